"""Published variation models by name, each with its source.

Ratio presets are a shape only: sigma_d sets their size. The fits of sigma(G) have a published size
too (`sigma_d_measured`), a unit, and a range of conductances in which they are valid.
"""

from neft.devices.variation import PolynomialGaussian, RatioGaussian, VariationModel

_RATIO = "published ratio preset, arXiv 2305.14561; two-bit cells"
_AIHWKIT = "aihwkit, noise model pcm.py (programming noise), G_max 25 uS"
_CROSSSIM = "CrossSim, programming error models"

PRESETS: dict[str, VariationModel] = {
    model.name: model
    for model in (
        RatioGaussian("RRAM1", f"{_RATIO}, abstracted from measured RRAM", ratio=1),
        RatioGaussian("FeFET2", f"{_RATIO}, abstracted from measured FeFET", ratio=2),
        RatioGaussian("FeFET3", f"{_RATIO}, extrapolated", ratio=3),
        RatioGaussian("RRAM4", f"{_RATIO}, abstracted from measured RRAM", ratio=4),
        RatioGaussian("FeFET6", f"{_RATIO}, extrapolated", ratio=6),
        PolynomialGaussian(
            "PCM",
            _AIHWKIT,
            coefficients=(0.26348, 1.9650 / 25, -1.1731 / 25**2),
            low_uS=0,
            high_uS=25,
        ),
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
    )
}
"""Published models of variation, by name; each says its source and where it is valid."""
