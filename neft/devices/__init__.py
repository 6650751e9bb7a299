"""Models of device variation: Gaussian and measured ones, presets, JSON files; read noise."""

from neft.devices.measured import MeasuredGaussian, MeasuredQuantiles
from neft.devices.presets import PRESETS
from neft.devices.read_noise import ReadNoise
from neft.devices.variation import PolynomialGaussian, RatioGaussian, VariationModel
