"""Training for noisy devices: methods as losses, one training loop, a grid of trainings.

Importing the package registers every method in `neft.training.base.METHODS`.
"""

from neft.training import baselines, irs, ovf
from neft.training.base import METHODS

__all__ = ["METHODS", "baselines", "irs", "ovf"]
