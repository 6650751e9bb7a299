"""Training on noisy devices: methods as losses, one loop, a grid of trainings.

Importing the package enters every method in `neft.training.base.METHODS`.
"""

from neft.training import baselines, irs, ovf
from neft.training.base import METHODS

__all__ = ["METHODS", "baselines", "irs", "ovf"]
