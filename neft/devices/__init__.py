"""Models of device variation, known by name or from JSON files, and of read noise."""

from neft.devices.drifting import DriftingGaussian
from neft.devices.measured import MeasuredGaussian, MeasuredQuantiles
from neft.devices.named_models import MODEL_NAMES, named_model
from neft.devices.presets import PRESETS
from neft.devices.published_fits import (
    PiecewisePolynomialGaussian,
    PolynomialGaussian,
    SaturatingGaussian,
)
from neft.devices.read_noise import ReadNoise
from neft.devices.variation import RatioGaussian, VariationModel
