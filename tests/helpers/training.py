"""Small trainings that tests share."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import torch
from torch import nn

from neft import networks
from neft._utils.seeding import generator
from neft.chip import Hardware, Periphery
from neft.data.datasets import Source, Splits
from neft.devices import PRESETS
from neft.training import (
    IRS,
    OVF,
    Benchmark,
    CorrectNet,
    Distillation,
    FeatureConsistency,
    LearnedClip,
    Method,
    NoiseFree,
    NoiseInjection,
    NoisyForward,
    ParameterAttack,
    RightCensored,
    ScaledLogits,
    Schedule,
    SharpnessAware,
    train,
    train_grid,
    trials,
)

HARDWARE = Hardware(PRESETS["RRAM1"])
SCHEDULE = Schedule(epochs=3, batch_size=32, validation_chips=2)
METHODS = {
    "noise_free": NoiseFree(),
    "noise_injection": NoiseInjection(),
    "scaled_logits": ScaledLogits(),
    "ovf": OVF(beta=0.1),
    "irs": IRS(beta=0.1, hidden=8),
    "correctnet": CorrectNet(beta=1e-3, noise=True),
    "right_censored": RightCensored(),
    "clipped": NoiseInjection(clip=1.5, pretraining=0.4),
    "flat": NoiseInjection(clip=2.0, clip_per="channel", kurtosis=0.1, range_penalty=0.1),
    "course": NoiseInjection(pretraining=0.2, ramp=0.3, sigma_spread=0.2),
    "distillation": Distillation(pretraining=0.4),
    "sharpness_aware": SharpnessAware(form="asam"),
    "parameter_attack": ParameterAttack(steps=2),
    "learned_clip": LearnedClip(pretraining=0.4),
    "feature_consistency": FeatureConsistency(strength=0.5),
}
NETWORKS = {
    "lenet5": {"channels": 1, "width": 1.0},
    "vgg8": {"channels": 3, "width": 0.25},
    "resnet18": {"channels": 3, "width": 0.125},
}


def setting(name: str, batch: int = 4) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    net = networks.build(name, classes=10, seed=0, **NETWORKS[name])
    inputs = torch.randn(batch, NETWORKS[name]["channels"], 32, 32, generator=generator("x"))
    return net, inputs, torch.randint(10, (batch,), generator=generator("y"))


def noisy(net: nn.Module, sigma_d: float = 0.1, hardware: Hardware = HARDWARE) -> NoisyForward:
    return NoisyForward(net, hardware, sigma_d, generator("backbone"), generator("feedback"))


TINY = Benchmark(Source("tiny"), "lenet5", 0.5)
BRIEF = Schedule(epochs=2, batch_size=32, validation_chips=1)


def train_tiny_grid(
    folder: Path,
    method: Method | None = None,
    *,
    sigma_d: Sequence[float] = (0.1, 0.3),
    seeds: Sequence[int] = (0, 1),
    benchmark: Benchmark = TINY,
    periphery: Periphery | None = None,
    **settings,
) -> pd.DataFrame:
    planned = trials(
        "mine", method or NoiseInjection(), HARDWARE, sigma_d, seeds, folder, periphery=periphery
    )
    return train_grid(planned, benchmark, BRIEF, **settings)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@dataclass(frozen=True)
class Killed(Method):
    """Another method that raises KeyboardInterrupt after some steps, as if the run was killed."""

    method: Method
    steps: list[int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "pretraining", self.method.pretraining)

    def auxiliary(self, network: nn.Module, example: torch.Tensor) -> nn.Module:
        return self.method.auxiliary(network, example)

    def sigma_d_at(self, *arguments) -> float:
        return self.method.sigma_d_at(*arguments)

    def loss(self, *arguments) -> torch.Tensor:
        return self.method.loss(*arguments)

    def step_loss(self, *arguments) -> torch.Tensor:
        self.steps[0] -= 1
        if self.steps[0] < 0:
            raise KeyboardInterrupt
        return self.method.step_loss(*arguments)

    def after_step(self, *arguments) -> None:
        self.method.after_step(*arguments)


@dataclass(frozen=True)
class KilledOnce(Killed):
    """Another method whose process is killed in a step, the first time that it comes there.

    Args:
        steps: the one element is the step's number, from 1.
        log: file that gets the process's id at each step.
    """

    log: Path

    def step_loss(self, *arguments) -> torch.Tensor:
        with self.log.open("a") as log:
            log.write(f"{os.getpid()} ")
        if len(self.log.read_text().split()) == self.steps[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.method.step_loss(*arguments)


def kill_third_call(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> list[int]:
    """Let the third call of a module's function raise KeyboardInterrupt; return the count."""
    original, calls = getattr(module, name), [0]

    def counted(*arguments, **settings):
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        return original(*arguments, **settings)

    monkeypatch.setattr(module, name, counted)
    return calls


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def fit(
    method: Method, data: Splits, *, seed: int = 0, sigma_d: float = 0.2, **settings
) -> tuple[nn.Module, pd.DataFrame]:
    net = networks.build("lenet5", classes=3, channels=1, width=0.5, seed=seed)
    history = train(
        net, method, data, HARDWARE, sigma_d, SCHEDULE, seed=seed, progress=False, **settings
    )
    return net, history
