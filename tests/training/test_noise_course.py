"""Laws of the variation's course: noise-free first, then rising, or drawn anew each step."""

import math
from dataclasses import dataclass, replace

import pandas as pd
import pytest
import torch
from helpers.training import SCHEDULE, fit, same

from neft._utils.seeding import generator
from neft.data.datasets import Splits
from neft.training import OVF, LearnedClip, NoiseFree, NoiseInjection, ScaledLogits

DRAW = generator("course")


def sizes(method: NoiseInjection, points: int = 11) -> list[float]:
    return [method.sigma_d_at(0.2, i / (points - 1), DRAW) for i in range(points)]


def test_without_settings_every_step_has_the_trainings_sigma_d() -> None:
    assert sizes(NoiseInjection()) == [0.2] * 11


def test_sigma_d_is_zero_in_the_pretraining_and_then_rises_linearly() -> None:
    found = sizes(NoiseInjection(pretraining=0.2, ramp=0.4))
    expected = [0, 0, 0, 0.05, 0.1, 0.15, 0.2, 0.2, 0.2, 0.2, 0.2]
    assert found == pytest.approx(expected)


def test_a_steps_own_sigma_d_is_normal_and_cut_at_zero() -> None:
    drawn = torch.tensor(sizes(NoiseInjection(sigma_spread=0.3), 20_001)) / 0.2
    assert drawn.mean().item() == pytest.approx(1, abs=5 * 0.3 / math.sqrt(20_001))
    assert drawn.std().item() == pytest.approx(0.3, rel=5 / math.sqrt(2 * 20_001))
    assert min(sizes(NoiseInjection(sigma_spread=2.0), 1001)) == 0


@dataclass(frozen=True)
class Recorded(NoiseInjection):
    """Noise injection that keeps what it was asked."""

    seen: list[tuple[float, float]] = ()

    def sigma_d_at(self, sigma_d, progress, generator) -> float:
        own = super().sigma_d_at(sigma_d, progress, generator)
        self.seen.append((progress, own))
        return own

    def loss(self, forward, auxiliary, inputs, labels):
        assert forward.sigma_d == self.seen[-1][1]
        return super().loss(forward, auxiliary, inputs, labels)


def test_progress_counts_the_steps_of_all_epochs(tiny: Splits) -> None:
    seen: list[tuple[float, float]] = []
    fit(Recorded(seen=seen, ramp=0.5), tiny)
    steps = len(seen)
    assert steps % SCHEDULE.epochs == 0
    assert [progress for progress, _ in seen] == pytest.approx([i / steps for i in range(steps)])


def test_a_course_without_noise_equals_noise_free_training(tiny: Splits) -> None:
    """The pretraining is ordinary training, whatever the method; steps of no size are, too."""
    free, history = fit(NoiseFree(), tiny)
    columns = ["epoch", "learning_rate", "train_loss"]
    first = slice(None, -1)  # the last step of the last epoch is the method's own
    for method in (NoiseInjection(), OVF(0.1), NoiseInjection(clip=1.1), LearnedClip()):
        _, other = fit(replace(method, pretraining=0.99), tiny)
        pd.testing.assert_frame_equal(history[columns][first], other[columns][first])
    _, divided = fit(NoiseFree(divisor=4), tiny)
    _, other = fit(ScaledLogits(divisor=4, pretraining=0.99), tiny)
    pd.testing.assert_frame_equal(divided[columns][first], other[columns][first])
    none, other = fit(NoiseInjection(), tiny, sigma_d=0.0)
    pd.testing.assert_frame_equal(history[columns], other[columns])
    assert same(free, fit(NoiseFree(sigma_spread=0.5), tiny)[0])
    assert not same(none, fit(NoiseInjection(), tiny)[0])
