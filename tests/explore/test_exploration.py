"""Laws of what a choice gives."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import TensorDataset

from neft import Hardware, load_dataset, load_network, program
from neft._utils.seeding import generator
from neft.chip import accuracy_over_chips, device_weights
from neft.explore import Choices, Exploration, explore

CHOICES = Choices("vgg8_mnist5k_ovf", "RRAM_B", 0.1, chips=3, images=40)
TABLES = ("chips", "summary", "errors", "answers")


def images() -> TensorDataset:
    return TensorDataset(*load_dataset("mnist5k", side=16).test[::25])


def same(one: Exploration, other: Exploration) -> bool:
    return all(getattr(one, name).equals(getattr(other, name)) for name in TABLES)


@pytest.fixture(scope="module")
def shown() -> Exploration:
    return explore(CHOICES)


def test_accuracies_are_those_of_the_package_on_the_same_chips(shown: Exploration) -> None:
    network, hardware = load_network(CHOICES.network), Hardware.load("RRAM_B")
    expected = accuracy_over_chips(network, images(), hardware, 0.1, chips=3, key="explorer 0")
    assert shown.chips.accuracy.tolist() == expected.tolist()
    assert shown.summary["mean"][0] == pytest.approx(expected.mean())
    assert shown.summary.low[0] < expected.mean() < shown.summary.high[0]


@torch.no_grad()
def test_answers_and_errors_are_those_of_a_loop(shown: Exploration) -> None:
    network, data = load_network(CHOICES.network), load_dataset("mnist5k", side=16).test
    examples, labels = data[[0, 250, 500, 750]]
    votes = np.zeros((4, 10))
    for i in range(3):
        draw = generator("chip", "explorer 0", i)
        chip = program(network, Hardware.load("RRAM_B"), 0.1, generator=draw)
        if i == 0:
            errors = torch.cat(
                [
                    ((chip[name] - w) / w.abs().max()).flatten()
                    for name, w in device_weights(network).items()
                ]
            ).double()
        for image, logits in enumerate(torch.func.functional_call(network, chip, (examples,))):
            votes[image, logits.argmax()] += 1 / 3
    np.testing.assert_allclose(shown.answers.pivot(index="image", columns="class").share, votes)
    assert shown.answers.groupby("image").label.first().tolist() == labels.tolist()
    np.testing.assert_array_equal(shown.pictures, (examples[:, 0] + 1) / 2)
    assert shown.summary.error_mean[0] == pytest.approx(errors.mean().item(), abs=1e-12)
    assert shown.summary.error_std[0] == pytest.approx(errors.std(correction=0).item())
    assert shown.errors.share.sum() == pytest.approx(1)
    for row in shown.errors.iloc[[45, 50, 60]].itertuples():
        inside = (errors >= row.low) & (errors < row.high)
        assert row.share == pytest.approx(inside.double().mean().item())


def test_without_variation_every_chip_is_the_network_bit_for_bit() -> None:
    shown = explore(replace(CHOICES, sigma_d=0.0))
    assert (shown.chips.accuracy == shown.summary.without_errors[0]).all()
    assert (shown.summary.error_mean[0], shown.summary.error_std[0]) == (0, 0)
    only = shown.errors[shown.errors.share > 0]
    assert only.share.tolist() == [1.0] and only.low.item() < 0 < only.high.item()
    assert set(shown.answers.share) == {0.0, 1.0}


def test_same_choices_same_bits_and_another_population_other_chips(shown: Exploration) -> None:
    again, other = explore(CHOICES), explore(replace(CHOICES, population=1))
    assert same(shown, again)
    assert not shown.errors.equals(other.errors)
    assert not shown.chips.equals(other.chips)


def test_sliders_keep_the_draws() -> None:
    """Errors of a Gaussian model are proportional to sigma_d; histograms are not needed for it."""
    small, large = (explore(replace(CHOICES, sigma_d=s)).summary for s in (0.05, 0.1))
    assert large.error_std[0] == pytest.approx(2 * small.error_std[0], rel=1e-5)
    assert large.error_mean[0] == pytest.approx(2 * small.error_mean[0], rel=1e-3)


def test_clipping_beyond_the_largest_weight_changes_nothing_and_below_shrinks_errors(
    shown: Exploration,
) -> None:
    assert same(shown, explore(replace(CHOICES, clip=100.0)))
    exact = replace(CHOICES, sigma_d=0.0)
    assert explore(replace(exact, clip=2.0)).summary.error_std[0] > 0, "clipped weights are errors"
    inner = explore(replace(CHOICES, clip=2.0)).errors.query("-0.05 < low and high < 0.05")
    assert inner.share.sum() > shown.errors.loc[inner.index].share.sum()


def test_many_bits_give_the_exact_answers_and_two_do_not() -> None:
    exact = replace(CHOICES, sigma_d=0.0)
    fine, coarse = (explore(replace(exact, converter_bits=bits)) for bits in (20, 2))
    pd.testing.assert_frame_equal(fine.answers, explore(exact).answers)
    assert fine.chips.equals(explore(exact).chips)
    assert coarse.chips.accuracy.mean() < fine.chips.accuracy.mean()


def test_more_images_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^images must be at most 1000, the test .*, got 1004$"):
        explore(replace(CHOICES, images=1004))
