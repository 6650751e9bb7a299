"""Laws of sizes: whatever the unit, a factor of 1,000 between two quantities is refused."""

import numpy as np
import pandas as pd
import pytest

from neft.characterize.sizes import check_first_reads, check_lowest, check_range, check_targets

G_MAX = 50e-6


def programmed(unit: float = 1.0) -> pd.DataFrame:
    """Reads of 40 cells at targets up to G_max, with errors of a tenth of it."""
    target = np.linspace(0, G_MAX, 40)
    errors = np.random.default_rng(0).normal(0, G_MAX / 10, 40)
    reads = pd.DataFrame({"target_S": target, "conductance_S": (target + errors).clip(0)})
    return reads * unit


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e9])
def test_what_is_of_one_size_passes_in_any_unit(unit: float) -> None:
    check_targets(programmed(unit), G_MAX * unit)
    check_targets(programmed(unit), 3.9 * G_MAX * unit)


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("wrong", ["target_S", "conductance_S", "G_max"])
def test_a_wrong_unit_of_one_quantity_is_refused(wrong: str, factor: float) -> None:
    reads, g_max_S = programmed(), G_MAX
    if wrong == "G_max":
        g_max_S *= factor
    else:
        reads[wrong] *= factor
    rule = "read / target must be" if wrong == "conductance_S" else "G_max must be"
    with pytest.raises(ValueError, match=f"^reads: {rule} .*, got .*; are .* right\\?$"):
        check_targets(reads, g_max_S)


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 0.1, 4, 1e3])
def test_a_range_of_another_size_than_the_first_reads_is_refused(factor: float) -> None:
    initial = programmed().target_S
    for near in (0.5, 1, 3.9):
        check_first_reads(initial, near * G_MAX)
    with pytest.raises(
        ValueError, match=r"^reads: .*G_max must be .*first read, .* got .*right\?$"
    ):
        check_first_reads(initial, factor * G_MAX)


def test_ends_of_the_range_are_those_that_are_said() -> None:
    check_range(1.01 * G_MAX / 4, "read", G_MAX)
    with pytest.raises(ValueError, match=r"below 4 times the largest read, 12\.5 uS, got 50 uS"):
        check_range(G_MAX / 4, "read", G_MAX)
    check_targets(programmed(), G_MAX * (1 - 1e-12))  # rounding of units
    with pytest.raises(ValueError, match="at least the largest target, 50 uS, got 49 uS"):
        check_targets(programmed(), 49e-6)


def test_low_targets_below_the_noise_of_the_instrument_pass() -> None:
    reads = programmed()
    reads.loc[:19, "target_S"] = 1e-12
    check_targets(reads, G_MAX)


@pytest.mark.parametrize("cycle", [{}, {"cycle": [0, 4]}])
def test_reads_pass_down_to_3_percent_of_the_range_below_0(cycle: dict[str, list[int]]) -> None:
    reads = pd.DataFrame({"cell": ["a", "b"], **cycle, "time_s": [0.0, 2.5]})
    check_lowest(reads.assign(conductance_S=[G_MAX, -0.0299 * G_MAX]), G_MAX)
    place = "cell b, cycle 4, time_s 2\\.5" if cycle else "cell b, time_s 2\\.5"
    rule = f"at least -3% of G_max, -1\\.5 uS, got -1\\.505 uS in {place}; leave out the row"
    with pytest.raises(
        ValueError, match=f"^reads: conductance must be {rule} .* of the instrument$"
    ):
        check_lowest(reads.assign(conductance_S=[-0.01 * G_MAX, -0.0301 * G_MAX]), G_MAX)
