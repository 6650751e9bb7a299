"""Laws of uncertainty over chips: equality with slow direct formulas, and boundaries."""

import math
import pickle

import pytest
import torch
from torch import Tensor

from neft._utils.seeding import generator
from neft.evaluation import OverChips
from neft.evaluation.uncertainty import BINS

INFORMATION = ("mutual_information", "reverse_mutual_information", "ekl")


def over(logits: Tensor, labels: Tensor) -> dict[str, float]:
    chips = OverChips(labels)
    for each in logits:
        chips.add(each)
    return chips.summary()


def made(chips: int = 4, images: int = 7, classes: int = 3) -> tuple[Tensor, Tensor]:
    draw = generator("logits", chips)
    logits = 2 * torch.randn(chips, images, classes, generator=draw)
    return logits, torch.randint(classes, (images,), generator=draw)


def divergence(p: list[float], q: list[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def calibration(p: list[list[float]], labels: list[int]) -> float:
    """Expected calibration error by a loop over bins; a bin excludes its lower end."""
    total = 0.0
    for i in range(BINS):
        inside = [
            (max(row), row.index(max(row)) == label)
            for row, label in zip(p, labels, strict=True)
            if i / BINS < max(row) <= (i + 1) / BINS
        ]
        if inside:
            confidence, right = (sum(values) for values in zip(*inside, strict=True))
            total += abs(confidence - right) / len(p)
    return total


@pytest.mark.parametrize("chips", [1, 2, 5])
def test_all_quantities_equal_slow_direct_formulas(chips: int) -> None:
    logits, labels = made(chips)
    p = logits.double().softmax(2).tolist()
    images, classes = range(logits.shape[1]), range(logits.shape[2])
    mean = [[sum(p[c][i][k] for c in range(chips)) / chips for k in classes] for i in images]

    def average(value) -> float:
        """Over chips and images."""
        return sum(value(c, i) for c in range(chips) for i in images) / chips / len(images)

    pairs = sum(
        divergence(p[c][i], p[d][i]) for c in range(chips) for d in range(chips) for i in images
    )
    truth = labels.tolist()
    expected = {
        "predictive_entropy": average(lambda c, i: -sum(q * math.log(q) for q in mean[i])),
        "mutual_information": average(lambda c, i: divergence(p[c][i], mean[i])),
        "reverse_mutual_information": average(lambda c, i: divergence(mean[i], p[c][i])),
        "ekl": pairs / chips**2 / len(images),
        "largest_probability": average(lambda c, i: max(p[c][i])),
        "true_probability": average(lambda c, i: p[c][i][truth[i]]),
        "calibration_error": sum(calibration(p[c], truth) for c in range(chips)) / chips,
        "ensemble_calibration_error": calibration(mean, truth),
    }
    assert over(logits, labels) == pytest.approx(expected, abs=1e-6)


def test_identical_chips_leave_no_uncertainty_between_them() -> None:
    logits, labels = made(1)
    summary = over(logits.expand(6, -1, -1), labels)
    assert [summary[name] for name in INFORMATION] == pytest.approx([0, 0, 0], abs=1e-12)
    assert summary["calibration_error"] == pytest.approx(summary["ensemble_calibration_error"])
    assert summary["predictive_entropy"] > 0.1


def test_a_collapsed_network_has_no_ekl_and_a_large_calibration_error() -> None:
    """It gives the same confident answer for every image, on every chip."""
    collapsed = torch.tensor([9.0, 0.0, 0.0]).expand(5, 30, 3)
    summary = over(collapsed, torch.arange(30) % 3)
    assert summary["ekl"] == pytest.approx(0, abs=1e-12)
    assert summary["calibration_error"] > 0.6


def test_memory_does_not_grow_with_the_chips() -> None:
    """The sums have the same number of bytes after 2 and after 50 chips."""
    draw = generator("streaming")
    chips, held = OverChips(torch.arange(30) % 5), {}
    for count in range(1, 51):
        chips.add(torch.randn(30, 5, generator=draw))
        held[count] = len(pickle.dumps(vars(chips)))
    assert held[2] == held[50] < 10 * 30 * 5 * 8


def test_extreme_logits_give_finite_numbers() -> None:
    logits = torch.tensor([[[500.0, 0.0]], [[0.0, 500.0]]])
    summary = over(logits, torch.tensor([0]))
    assert all(math.isfinite(value) for value in summary.values())
    assert summary["mutual_information"] == pytest.approx(math.log(2))


def test_logits_that_are_not_finite_give_nan() -> None:
    logits, labels = made(2)
    logits[1, 0, 0] = math.nan
    summary = over(logits, labels)
    assert all(math.isnan(value) for value in summary.values())


def test_logits_of_other_images_are_refused_and_no_chips_have_no_summary() -> None:
    with pytest.raises(ValueError, match=r"logits must be \[2, classes\], got \[3, 2\]"):
        OverChips(torch.tensor([0, 1])).add(torch.zeros(3, 2))
    with pytest.raises(ValueError, match="chips must be at least 1, got 0"):
        OverChips(torch.tensor([0])).summary()
