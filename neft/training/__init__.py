"""Training for noisy devices: methods as losses, one training loop, a grid of trainings.

Importing the package registers every method in `neft.training.base.METHODS`.
"""

from neft._utils.parallel import Machine
from neft.training.base import METHODS, Method
from neft.training.baselines import (
    CorrectNet,
    NoiseFree,
    NoiseInjection,
    RightCensored,
    ScaledLogits,
)
from neft.training.comparison import compare
from neft.training.distillation import Distillation
from neft.training.feature_consistency import FeatureConsistency
from neft.training.grid import Benchmark, Trial, train_briefly, train_grid, trials
from neft.training.irs import IRS
from neft.training.learned_clip import LearnedClip
from neft.training.loop import Schedule, train
from neft.training.noisy_forward import NoisyForward
from neft.training.ovf import OVF
from neft.training.perturbed_weights import ParameterAttack, SharpnessAware
from neft.training.settings import build_method, method_schedule
