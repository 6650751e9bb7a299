"""Laws of rank correlations in time."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neft.characterize.levels import level_errors, rank_correlations


def errors_of(level: list[int], error: dict[float, list[float]]) -> pd.DataFrame:
    return pd.concat(
        pd.DataFrame(
            {"time_s": t, "level": level, "unit": range(len(level)), "g": 0.5, "error": values}
        ).dropna()
        for t, values in error.items()
    )


def test_in_one_level_it_is_spearmans_correlation_of_the_cells_read_at_both_times() -> None:
    draw = np.random.default_rng(0)
    first, noise = draw.normal(size=200), draw.normal(size=200)
    second = np.where(np.arange(200) < 150, first + noise, np.nan)
    table = rank_correlations(errors_of([0] * 200, {1.0: first, 9.0: second}), technology="X")
    expected = stats.spearmanr(first[:150], second[:150]).statistic
    assert table.loc[0].to_dict() == {
        "technology": "X",
        "time_s": 1.0,
        "next_time_s": 9.0,
        "n": 150,
        "spearman": pytest.approx(expected),
    }


def test_differences_between_levels_do_not_correlate_cells() -> None:
    """Ranks are within a level: errors differ between levels and are independent within them."""
    draw = np.random.default_rng(1)
    level = np.repeat([0, 1], 2000)
    first, second = (level + 0.1 * draw.normal(size=4000) for _ in range(2))
    table = rank_correlations(errors_of(list(level), {1.0: first, 2.0: second}), technology="X")
    assert abs(table.spearman[0]) < 4 / np.sqrt(4000)


def test_kept_ranks_give_one_and_reversed_ranks_minus_one() -> None:
    first = [0.1, 0.4, 0.2, 0.3]
    made = errors_of([0] * 4, {1.0: first, 2.0: [2 * x for x in first], 3.0: [-x for x in first]})
    assert rank_correlations(made, technology="X").spearman.tolist() == pytest.approx([1, -1])


def test_each_cell_and_cycle_has_its_own_unit() -> None:
    reads = pd.DataFrame(
        {
            "cell": ["a", "b"] * 4,
            "cycle": [0, 0, 1, 1] * 2,
            "time_s": [0.0] * 4 + [1.0] * 4,
            "conductance_S": [1e-6, 2e-6, 3e-6, 4e-6, 2e-6, 4e-6, 6e-6, 9e-6],
        }
    )
    errors = level_errors(reads, g_max_S=1e-5, levels=1)
    assert errors.unit.nunique() == 4
    assert errors.set_index("unit").error.sort_values().tolist() == pytest.approx(
        [0.1, 0.2, 0.3, 0.5]
    )
