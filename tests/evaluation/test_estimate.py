"""Laws of the estimate of a mean accuracy: unbiased, covered, at the best cost, and honest."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from neft import networks
from neft._utils.seeding import generator
from neft.chip import Execution, Hardware, accuracy_over_chips
from neft.data.datasets import Splits
from neft.devices import PRESETS
from neft.evaluation import AccuracyEstimate, Recalibration, estimate_accuracy
from neft.evaluation.estimate import (
    LEAST,
    PILOT,
    SequentialMean,
    best_images,
    counted_cost,
    noise_free_margins,
    stratified,
)

IMAGES, CLASSES = 240, 4
_draw = generator("patterns")
PATTERNS = torch.randn(CLASSES, 36, generator=_draw)
LABELS = torch.arange(IMAGES) % CLASSES
DATA = TensorDataset(PATTERNS[LABELS] + 2 * torch.randn(IMAGES, 36, generator=_draw), LABELS)
NETWORK = nn.Linear(36, CLASSES, bias=False)  # the matched filter: nothing to train
NETWORK.weight.data = PATTERNS.clone()


def estimate(sigma_d: float = 0.3, preset: str = "RRAM4", **settings) -> AccuracyEstimate:
    settings = {"key": "test", "half_width": 0.02, **settings}
    return estimate_accuracy(NETWORK, DATA, Hardware(PRESETS[preset]), sigma_d, **settings)


def whole(chips: int, preset: str = "RRAM4", sigma_d: float = 0.3) -> torch.Tensor:
    hardware = Hardware(PRESETS[preset])
    return accuracy_over_chips(NETWORK, DATA, hardware, sigma_d, chips=chips, key="test")


def within(count: float, share: float, trials: int) -> bool:
    """Whether a count of successes is within 4 standard deviations of what a share promises."""
    return abs(count - share * trials) <= 4 * math.sqrt(share * (1 - share) * trials)


def test_with_all_images_chips_and_draws_are_those_of_whole_test_sets() -> None:
    found = estimate(images_per_chip=IMAGES, half_width=1e-6, most_chips=25)
    accuracies = whole(25)
    error = math.sqrt((accuracies.var().item() + IMAGES**-2 / 25) / 25)
    assert found.mean == pytest.approx(accuracies.mean().item(), abs=1e-12)
    assert (found.high - found.mean) / error == pytest.approx(2.0639, abs=1e-4)  # t, 24 degrees
    assert (found.chips, found.images, found.reached) == (25, 25 * IMAGES, False)


@pytest.mark.parametrize("preset", ["RRAM4", "PCM"])
@pytest.mark.parametrize("ordered", [True, False])
def test_few_images_agree_with_whole_test_sets_whatever_the_margins(
    preset: str, ordered: bool
) -> None:
    """The margins may say nothing, or the devices may make the surest images fail."""
    margins = noise_free_margins(NETWORK, DATA) if ordered else torch.zeros(IMAGES)
    settings = {"images_per_chip": 7, "half_width": 1e-6, "most_chips": 200, "margins": margins}
    found = estimate(1.0 if preset == "PCM" else 0.3, preset, **settings)
    truth = whole(200, preset, 1.0 if preset == "PCM" else 0.3).mean().item()
    assert 0.4 < truth < 0.97
    assert found.low <= truth <= found.high < found.low + 0.06


def test_the_best_number_of_images_reaches_the_wanted_width() -> None:
    found = estimate(half_width=0.008, programming_cost=6.0)
    assert found.reached
    assert 0.007 < (found.high - found.low) / 2 <= 0.008
    assert found.chips > LEAST
    assert found.images_per_chip < 100
    assert found.images == LEAST * PILOT + (found.chips - LEAST) * found.images_per_chip
    assert abs(found.mean - whole(300).mean().item()) < 0.01


def test_the_same_arguments_give_the_same_bits_and_leave_torchs_generator() -> None:
    first, state = estimate(), torch.get_rng_state()
    assert estimate(execution=Execution(torch.contiguous_format, 7)) == first
    assert torch.equal(torch.get_rng_state(), state)
    assert estimate(key="other").mean != first.mean


def test_every_row_is_expected_equally_often() -> None:
    draw, repetitions = generator("rows"), 5000
    rows = torch.cat([stratified(10, 4, generator=draw) for _ in range(repetitions)])
    assert all(within(count, 0.4, repetitions) for count in rows.bincount(minlength=10).tolist())
    assert torch.equal(stratified(10, 10, generator=draw), torch.arange(10))


def test_stratification_removes_the_variance_between_strata() -> None:
    right, draw = (torch.arange(60) > 22).double(), generator("rows")
    means = torch.stack([right[stratified(60, 6, generator=draw)].mean() for _ in range(5000)])
    expected = sum(part.var(correction=0).item() for part in right.split(10)) / 6**2
    assert means.var().item() == pytest.approx(expected, rel=0.1)
    assert expected < 0.2 * right.var(correction=0).item() / 6


@pytest.mark.parametrize(("spread", "cost"), [(0.05, 6.0), (0.15, 6.0), (0.05, 250.0)])
def test_the_best_number_of_images_is_the_cheapest(spread: float, cost: float) -> None:
    """Against a search, with one image's variance p (1 - p) as the sum of its parts."""
    p, rng = 0.85, np.random.default_rng(0)
    both = p * (1 - p) / spread**2 - 1
    chips = rng.beta(p * both, (1 - p) * both, 4000)
    right = torch.from_numpy(rng.random((4000, 100)) < chips[:, None]).double()
    n = np.arange(1, 2000)
    time = (spread**2 + (p * (1 - p) - spread**2) / n) * (cost + n)  # for a variance of 1
    assert best_images(right, cost) == pytest.approx(n[time.argmin()], rel=0.08)


def test_equal_chips_do_not_ask_for_all_images() -> None:
    right = torch.rand(LEAST, PILOT, generator=generator("equal")) < 0.9
    assert 10 < best_images(right.double(), 6.0) < 50


def test_costs_are_counted() -> None:
    convolution = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.ReLU())
    assert counted_cost(NETWORK, DATA.tensors[0][:1]) == 256
    assert counted_cost(convolution, torch.zeros(1, 3, 4, 4)) == 256 / 16


# Draws of 100, their mean, the wanted half-width, the draws' step, the coverage promised.
Draws = Callable[[np.random.Generator], np.ndarray]
DRAWS: dict[str, tuple[Draws, float, float, float, float]] = {
    "normal": (lambda rng: rng.normal(0, 1, 100), 0, 0.2, 0, 0.946),
    "exponential": (lambda rng: rng.exponential(1, 100), 1, 0.3, 0, 0.905),
    "17 images of chips that differ": (
        lambda rng: rng.binomial(17, rng.beta(8.5, 1.5, 100)) / 17, 0.85, 0.02, 1 / 17, 0.942,
    ),
    "one image": (lambda rng: 1.0 * rng.binomial(1, 0.95, 100), 0.95, 0.03, 1, 0.899),
}  # fmt: skip


def covered(draw: Draws, truth: float, half_width: float, step: float, repetitions: int) -> int:
    rng, hits = np.random.default_rng(1), 0
    for _ in range(repetitions):
        draws = SequentialMean()
        while draws.half_width(0.95, step) > half_width:
            for value in draw(rng).tolist():
                draws.add(value)
                if draws.half_width(0.95, step) <= half_width:
                    break
        hits += abs(draws.mean - truth) <= draws.half_width(0.95, step)
    return hits


@pytest.mark.parametrize("name", DRAWS)
def test_the_interval_at_stopping_covers_as_often_as_it_says(name: str) -> None:
    draw, truth, half_width, step, promised = DRAWS[name]
    assert within(covered(draw, truth, half_width, step, 1000), promised, 1000)


def test_without_the_step_equal_first_draws_stop_far_too_early() -> None:
    draw, truth, half_width, _, promised = DRAWS["one image"]
    assert covered(draw, truth, half_width, 0, 300) < (promised - 0.2) * 300


def test_batchnorm_per_chip_is_refused(tiny: Splits) -> None:
    network = networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
    deploy = Recalibration(30).prepare(network, tiny.train)
    hardware = Hardware(PRESETS["RRAM4"])
    with pytest.raises(ValueError, match="deploy must not re-estimate BatchNorm"):
        estimate_accuracy(network, tiny.test, hardware, 0.1, key="test", deploy=deploy)


@pytest.mark.parametrize("name", ["std", "p5", "percentile", "ekl", "draws"])
def test_a_mean_tells_no_spread_and_says_why(name: str) -> None:
    found = AccuracyEstimate(0.9, 0.89, 0.91, 30, 17, 510, True)
    with pytest.raises(AttributeError, match=rf"no {name}: .* need whole test sets"):
        getattr(found, name)


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"half_width": 0.0}, "half_width must be positive and finite, got 0.0"),
        ({"level": 95}, "level must be between 0 and 1, got 95"),
        ({"most_chips": 19}, "most_chips must be at least 20, got 19"),
        ({"images_per_chip": 0}, "images_per_chip must be 1 to 240, all images, got 0"),
        ({"images_per_chip": 241}, "images_per_chip must be 1 to 240, all images, got 241"),
        ({"programming_cost": -1.0}, "programming_cost must be positive and finite, got -1.0"),
        ({"margins": torch.zeros(3)}, "margins must be one for each of 240 images, got 3"),
    ],
)
def test_impossible_settings_are_refused(settings: dict, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        estimate(**settings)
