"""The methods by name, as params.yaml calls them."""

from neft.baselines import NoiseFree, NoiseInjection, ScaledLogits
from neft.feedback import IRS, OVF
from neft.method import Method

METHODS: dict[str, type[Method]] = {
    "noise_free": NoiseFree,
    "noise_injection": NoiseInjection,
    "scaled_logits": ScaledLogits,
    "ovf": OVF,
    "irs": IRS,
}
