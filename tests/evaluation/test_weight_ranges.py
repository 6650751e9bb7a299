"""Ranges of weights: the ratio itself, and what clipping leaves of it."""

from pathlib import Path

import pytest
from helpers.training import train_tiny_grid

from neft.chip import device_weights
from neft.evaluation import load_trained, trained_networks
from neft.evaluation.weight_ranges import weight_ranges
from neft.training import NoiseInjection

pytestmark = pytest.mark.usefixtures("one_process")


def test_range_is_the_largest_weight_over_the_standard_deviation(tmp_path: Path) -> None:
    train_tiny_grid(tmp_path, sigma_d=[0.1], seeds=[0, 1])
    table = weight_ranges(trained_networks(tmp_path))
    for seed, rows in table.groupby("seed"):
        network, _ = load_trained(tmp_path / f"sigma_d=0.1,seed={seed}.safetensors")
        weights = device_weights(network)
        assert rows.weight.tolist() == list(weights)
        for found, weight in zip(rows.range, weights.values(), strict=True):
            values = weight.detach().double().flatten().tolist()
            mean = sum(values) / len(values)
            spread = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
            assert found == pytest.approx(max(map(abs, values)) / spread, rel=1e-5)


def test_clipping_bounds_it(tmp_path: Path) -> None:
    for name, method in (("plain", NoiseInjection()), ("clipped", NoiseInjection(clip=1.5))):
        train_tiny_grid(tmp_path / name, method, sigma_d=[0.1], seeds=[0])
    plain, clipped = (
        weight_ranges(trained_networks(tmp_path / name)).range for name in ("plain", "clipped")
    )
    assert plain.min() > 1.6 > clipped.max()
