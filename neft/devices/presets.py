"""Published variation models by name, each with its source.

Ratio presets are a shape only: sigma_d sets their size. The fits of sigma(G) have a published size
too (`sigma_d_measured`), a unit, and a range of conductances in which they are valid.
"""

from neft.devices.drifting import DriftingGaussian
from neft.devices.published_fits import (
    PiecewisePolynomialGaussian,
    PolynomialGaussian,
    SaturatingGaussian,
)
from neft.devices.variation import RatioGaussian, VariationModel

_RATIO = "published ratio preset, arXiv 2305.14561; two-bit cells"
_AIHWKIT = "aihwkit, noise model pcm.py (programming noise), G_max 25 uS"
_AIHWKIT_DRIFT = (
    "aihwkit, noise model pcm.py at 1384c56 (programming noise and drift, not its 1/f noise), "
    "G_max 25 uS"
)
_CROSSSIM = "CrossSim, programming error models"
_SONOS = (
    f"{_CROSSSIM}, SONOS at 0a2eb1e, just after programming, 0 to 1600 nA as 0 to 16 uS; "
    "measured by Agrawal et al., IEDM 2022, 21.7, on 128,000 devices"
)
_ANALOG_FOUNDATION_MODELS = (
    "analog-foundation-models, apply_noise_model.py at 1a2b6f4; the conductance of a whole weight, "
    "up to 52.5 uS in one device and up to 180 uS in two; without its rule that weights below "
    "0.6 uS are exactly 0"
)
_PCM_SIGMA = (0.26348, 1.9650 / 25, -1.1731 / 25**2)  # uS, by powers of the conductance in uS
YEAR_S = 365 * 86_400.0

PRESETS: dict[str, VariationModel] = {
    model.name: model
    for model in (
        RatioGaussian("RRAM1", f"{_RATIO}, abstracted from measured RRAM", ratio=1),
        RatioGaussian("FeFET2", f"{_RATIO}, abstracted from measured FeFET", ratio=2),
        RatioGaussian("FeFET3", f"{_RATIO}, extrapolated", ratio=3),
        RatioGaussian("RRAM4", f"{_RATIO}, abstracted from measured RRAM", ratio=4),
        RatioGaussian("FeFET6", f"{_RATIO}, extrapolated", ratio=6),
        PolynomialGaussian("PCM", _AIHWKIT, coefficients=_PCM_SIGMA, low_uS=0, high_uS=25),
        PolynomialGaussian(
            "RRAM_Milo",
            f"{_CROSSSIM}, RRAM Milo, 50 to 225 uS",
            coefficients=(4.782321, -0.009107),
            low_uS=50,
            high_uS=225,
        ),
        PolynomialGaussian(
            "RRAM_Wan",
            f"{_CROSSSIM}, RRAM Wan, 1 s, up to 39.26 uS",
            coefficients=(1.053, 0.2374, -0.01167, 1.536e-4),
            low_uS=0,
            high_uS=39.26,
        ),
        PolynomialGaussian(
            "PCM_Joshi",
            f"{_CROSSSIM}, PCM Joshi, up to 25 uS",
            coefficients=(0.28638599, 0.07585724, -0.00178767),
            low_uS=0,
            high_uS=25,
        ),
        DriftingGaussian(
            "PCM_drift",
            _AIHWKIT_DRIFT,
            coefficients=_PCM_SIGMA,
            low_uS=0,
            high_uS=25,
            time_s=YEAR_S,
            first_read_s=20,
            nu_mean=(-0.0155, 0.0244, 0.049, 0.1),
            nu_std=(-0.0125, -0.0059, 0.008, 0.045),
        ),
        PiecewisePolynomialGaussian(
            "PCM_64core",
            _ANALOG_FOUNDATION_MODELS,
            pieces=(
                (
                    2.5797410660159494,
                    0.22419685954327148,
                    -3.71581208142707e-3,
                    2.939751381126213e-5,
                ),
                (
                    2.110295720240385,
                    0.2453487119885723,
                    -3.054993405157235e-3,
                    1.2329755395573392e-5,
                ),
            ),
            edges_uS=(52.5,),
            low_uS=0,
            high_uS=180,
        ),
        SaturatingGaussian(
            "SONOS", _SONOS, limit_uS=0.1988665, scale_uS=1.763115, low_uS=0, high_uS=16
        ),
    )
}
"""Published models of variation, by name; each says its source and where it is valid."""
