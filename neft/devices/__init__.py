"""Models of device variation, known by name or from JSON files, and of read noise."""

from neft.devices.measured import MeasuredGaussian, MeasuredQuantiles
from neft.devices.named_models import MODEL_NAMES, named_model
from neft.devices.presets import PRESETS
from neft.devices.read_noise import ReadNoise
from neft.devices.variation import PolynomialGaussian, RatioGaussian, VariationModel
