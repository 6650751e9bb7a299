"""Laws of the class probabilities of example images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.training import HARDWARE, train_tiny_grid
from torch.utils.data import TensorDataset

from neft.chip import logits_over_chips
from neft.data.datasets import Splits
from neft.evaluation import Condition, example_images, load_trained

pytestmark = pytest.mark.usefixtures("one_process")


@pytest.mark.parametrize("size", [example_images.COUNT, 30, 1001])
def test_images_are_spread_over_the_test_part(size: int) -> None:
    places = example_images.choose(TensorDataset(torch.zeros(size)))
    assert places[0] == 0 and places[-1] < size
    gaps = np.diff([*places, size])
    assert gaps.min() >= 1 and gaps.max() - gaps.min() <= 1


def test_probabilities_are_those_of_the_test_chips(tmp_path: Path, tiny: Splits) -> None:
    train_tiny_grid(tmp_path, seeds=[7, 3])
    table = example_images.class_probabilities(tmp_path, condition=Condition(HARDWARE), chips=5)
    assert set(table.seed) == {3}, "the first seed alone"
    assert len(table) == 2 * example_images.COUNT * tiny.classes
    images, labels = tiny.test.tensors
    for sigma_d, rows in table.groupby("sigma_d"):
        path = tmp_path / f"sigma_d={sigma_d:g},seed=3.safetensors"
        network, _ = load_trained(path)
        about = (network, images, HARDWARE, sigma_d)
        said = [
            logits.double().exp() / logits.double().exp().sum(1, keepdim=True)
            for logits in logits_over_chips(*about, chips=5, key="test")
        ]
        for row in rows.to_dict("records"):
            values = sorted(float(p[row["image"], row["class"]]) for p in said)
            # Of five sorted values, percentile q lies 4 q / 100 steps above the least.
            expected = {
                "mean": sum(values) / 5,
                "p5": values[0] + 0.2 * (values[1] - values[0]),
                "p25": values[1],
                "p75": values[3],
                "p95": values[3] + 0.8 * (values[4] - values[3]),
            }
            assert {name: row[name] for name in expected} == pytest.approx(expected, abs=1e-6)
            assert row["label"] == labels[row["image"]]
