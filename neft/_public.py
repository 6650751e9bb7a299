"""What users import from `neft` itself; `neft/__init__.py` loads it when it is first used."""

from neft.chip import Hardware, accuracy_over_chips, logits_over_chips, program
from neft.data.datasets import load as load_dataset
from neft.data.own_images import split_datasets, split_tensors
from neft.evaluation import Recalibration, WriteVerify
from neft.pretrained import load_network
from neft.training import (
    IRS,
    OVF,
    CorrectNet,
    Distillation,
    Method,
    NoiseInjection,
    ParameterAttack,
    RightCensored,
    ScaledLogits,
    Schedule,
    SharpnessAware,
    compare,
    train,
)

__all__ = [
    "IRS",
    "OVF",
    "CorrectNet",
    "Distillation",
    "Hardware",
    "Method",
    "NoiseInjection",
    "ParameterAttack",
    "Recalibration",
    "RightCensored",
    "ScaledLogits",
    "Schedule",
    "SharpnessAware",
    "WriteVerify",
    "accuracy_over_chips",
    "compare",
    "load_dataset",
    "load_network",
    "logits_over_chips",
    "program",
    "split_datasets",
    "split_tensors",
    "train",
]
