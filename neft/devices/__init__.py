"""Models of device variation: Gaussian and measured ones, known by name, JSON files."""

from neft.devices.measured import MeasuredGaussian, MeasuredQuantiles
from neft.devices.named_models import MODEL_NAMES, named_model
from neft.devices.presets import PRESETS
from neft.devices.variation import PolynomialGaussian, RatioGaussian, VariationModel
