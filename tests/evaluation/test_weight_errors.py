"""Laws of the comparison of the weight-level model with device-level mappings."""

import math

import pytest
from scipy import stats

from neft.chip import MAPPINGS, Hardware
from neft.devices import PRESETS
from neft.evaluation.weight_errors import weight_errors, with_mappings, with_stuck

CHIPS = 4000


def errors(name: str):
    table = weight_errors(with_mappings([Hardware(PRESETS[name])]), 0.1, points=16, chips=CHIPS)
    return {mapping: rows.set_index("u") for mapping, rows in table.groupby("mapping")}


def test_with_equal_levels_the_weight_level_model_is_exact_for_a_sign_bit_not_for_a_pair() -> None:
    made = errors("RRAM1")
    sigma = 0.1 * Hardware(PRESETS["RRAM1"]).slice_factor
    tolerance = 5 / math.sqrt(2 * CHIPS)
    factors = {"weight": 1, "sign_bit": 1, "differential": math.sqrt(2)}
    for mapping, factor in factors.items():
        assert (made[mapping]["std"] / (factor * sigma) - 1).abs().max() < tolerance
        assert (made[mapping]["mean"] / sigma).abs().max() < 5 * 1.5 / math.sqrt(CHIPS) + 0.05


def test_percentiles_are_those_of_the_error() -> None:
    """For a Gaussian with equal levels, within standard errors of a sample quantile."""
    rows = errors("RRAM1")["weight"]
    sigma, z = 0.1 * Hardware(PRESETS["RRAM1"]).slice_factor, stats.norm.ppf(0.99)
    tolerance = 5 * sigma * math.sqrt(0.01 * 0.99 / CHIPS) / stats.norm.pdf(z)
    assert rows.high.to_numpy() == pytest.approx(z * sigma, abs=tolerance)
    assert rows.low.to_numpy() == pytest.approx(-z * sigma, abs=tolerance)


def test_with_unequal_levels_the_weight_level_model_is_wrong_for_single_weights() -> None:
    """All devices of a weight of 0 are at a quiet outer level; those of a weight of 1/2 are not."""
    made = errors("FeFET6")
    ratio = made["sign_bit"]["std"] / made["weight"]["std"]
    assert ratio.max() / ratio.min() > 1.5


def test_every_mapping_of_every_hardware_is_compared_without_stuck_devices() -> None:
    stuck = Hardware(PRESETS["RRAM4"], mapping="sign_bit", stuck_low=0.1)
    made = with_mappings([stuck, Hardware(PRESETS["RRAM1"])])
    assert [each.mapping for each in made] == [*MAPPINGS, *MAPPINGS]
    assert all(each.stuck_low == 0 for each in made)


def test_stuck_devices_are_in_pairs_and_at_one_level_at_a_time() -> None:
    made = with_stuck(Hardware(PRESETS["RRAM4"], 6, 3, stuck_low=0), [0.0, 0.1])
    assert {key: (each.stuck_low, each.stuck_high) for key, each in made.items()} == {
        ("low", 0.0): (0, 0), ("low", 0.1): (0.1, 0), ("high", 0.0): (0, 0), ("high", 0.1): (0, 0.1)
    }  # fmt: skip
    assert {(each.mapping, each.weight_bits) for each in made.values()} == {("differential", 6)}


def test_equal_calls_give_equal_tables() -> None:
    made = [Hardware(PRESETS["RRAM4"], mapping="differential")]
    first, second = (weight_errors(made, 0.1, points=4, chips=10) for _ in range(2))
    assert first.equals(second)


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_without_variation_the_only_error_is_quantisation(mapping: str) -> None:
    made = [Hardware(PRESETS["RRAM1"], mapping=mapping)]
    table = weight_errors(made, 0.0, points=64, chips=2)
    assert table["std"].max() == 0
    assert table["mean"].abs().max() <= (0 if mapping == "weight" else 0.5 / 255 + 1e-12)
