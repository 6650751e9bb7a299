"""Drift of a chip's conductances undone by one factor per weight tensor, from a known input."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from neft.chip import Deploy, Hardware, Where, device_weights, on_devices, program
from neft.evaluation.deployment import Deployment


@torch.no_grad()
def drift_factors(
    weights: Mapping[str, Tensor], chip: Mapping[str, Tensor]
) -> dict[str, Tensor | float]:
    """Return the factor that undoes the common drift of each weight tensor's conductances.

    A constant input on all rows adds up the conductances of the devices in use: on a chip
    sum_i sign(w_i) w'_i, without errors sum_i |w_i|. Their ratio a multiplies the layer's outputs
    digitally, which is the same as a w'. A drift by a common factor is undone exactly; errors with
    mean 0 average out over the devices in the sum. (The global drift compensation of Joshi et al.,
    doi 10.1038/s41467-020-16108-9. There the sum is compared with that of the same chip just after
    its programming, here with that of the weights.) Where a sum is not positive, the factor is 1.

    Args:
        weights: on devices, by name, as `neft.chip.layers.device_weights` returns.
        chip: the same weights as programmed.
    """
    factors: dict[str, Tensor | float] = {}
    for name, weight in weights.items():
        wide = weight.detach().to(torch.promote_types(weight.dtype, torch.float32))
        found = (wide.sign() * chip[name]).sum()
        factors[name] = (wide.abs().sum() / found).to(weight.dtype) if found > 0 else 1.0
    return factors


def program_compensated(
    network: nn.Module,
    hardware: Hardware,
    sigma_d: float,
    *,
    generator: torch.Generator,
    where: Where = on_devices,
) -> dict[str, Tensor]:
    """Program a network onto one chip and compensate the drift of each weight tensor.

    The arguments are those of `neft.chip.program`.

    Returns:
        Programmed weights, times their factors, for `torch.func.functional_call`.
    """
    chip = program(network, hardware, sigma_d, generator=generator, where=where)
    factors = drift_factors(device_weights(network, where), chip)
    return {name: weight * factors[name] for name, weight in chip.items()}


@dataclass(frozen=True)
class DriftCompensation(Deployment):
    """Program a chip, then compensate the common drift of each layer (see `drift_factors`)."""

    def prepare(self, network: nn.Module, train: Dataset, *, where: Where = on_devices) -> Deploy:
        """Return `program_compensated`; it needs no data."""
        return partial(program_compensated, where=where)
