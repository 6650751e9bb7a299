"""Negative feedback training: neural networks that survive the analog hardware they run on.

The rooms, each above those that it uses: `devices` and `characterize` (how a memory device errs,
from measurements), `chip` (a network on devices), `data` and `networks`, `training`, `evaluation`
(networks on many chips), `statistics`, `figures`, and `pipeline`, which runs them all.
"""

from importlib.metadata import version

from neft.chip.hardware import Hardware
from neft.chip.monte_carlo import accuracy_over_chips, logits_over_chips
from neft.chip.programming import program
from neft.data.datasets import load as load_dataset
from neft.evaluation.batchnorm import Recalibration
from neft.evaluation.write_verify import WriteVerify
from neft.training.base import Method
from neft.training.baselines import CorrectNet, NoiseInjection, RightCensored, ScaledLogits
from neft.training.irs import IRS
from neft.training.loop import Schedule, train
from neft.training.ovf import OVF

__version__ = version("neft")

__all__ = [
    "IRS",
    "OVF",
    "CorrectNet",
    "Hardware",
    "Method",
    "NoiseInjection",
    "Recalibration",
    "RightCensored",
    "ScaledLogits",
    "Schedule",
    "WriteVerify",
    "accuracy_over_chips",
    "load_dataset",
    "logits_over_chips",
    "program",
    "train",
]
