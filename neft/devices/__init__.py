"""Models of device variation: Gaussian and measured ones, published presets, JSON files."""

from neft.devices.measured import MeasuredGaussian, MeasuredQuantiles
from neft.devices.presets import PRESETS
from neft.devices.variation import PolynomialGaussian, RatioGaussian, VariationModel
