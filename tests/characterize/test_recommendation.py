"""Laws of recommendations: the rows that they use and the numbers that they state."""

import pandas as pd
import pytest

from neft.characterize import bundled, recommendation
from neft.characterize.candidates import CANDIDATES
from neft.characterize.reads import read_level_table
from neft.characterize.variation_models import at_time, empirical, gaussian, smooth

TABLE = pd.DataFrame(
    {
        "technology": ["A"] * 8,
        "time_s": [1.0] * 4 + [100.0] * 4,
        "levels": 32,
        "candidate": ["constant", "s_ratio", "smooth", "quantiles"] * 2,
        "pinball": [0.15, 0.13, 0.11, 0.10, 0.10, 0.11, 0.12, 0.13],
        "adequate": [False, False, False, True, True, False, True, True],
        "ks_rejected": [32, 31, 20, 1, 0, 2, 3, 4],
    }
)


def test_rows_are_those_of_the_nearest_time() -> None:
    assert set(recommendation.at_times(TABLE, {"A": 20.0}).time_s) == {1.0}
    assert set(recommendation.at_times(TABLE, {"A": 80.0}).time_s) == {100.0}


def test_unknown_technology_is_named() -> None:
    with pytest.raises(ValueError, match="got 'B'"):
        recommendation.at_times(TABLE, {"B": 1.0})


def test_sentences_name_the_simplest_adequate_model_and_the_cost_of_others() -> None:
    first, second = recommendation.sentences(TABLE)
    assert "use quantiles, rejected in 1 of 32 levels" in first
    assert "best Gaussian is smooth: it scores 10 % worse" in first
    assert "A constant spread scores 50 % worse and is rejected in 32." in first
    assert "use constant, rejected in 0 of 32 levels" in second


def test_overview_has_one_row_per_time_with_the_constants_size_and_the_simplest_model() -> None:
    size = TABLE[["technology", "time_s", "candidate"]].drop_duplicates("time_s")
    size = size.assign(parameter="sigma_d", value=[0.2, 0.3], low=[0.1, 0.2], high=[0.3, 0.4])
    other = size.assign(candidate="s_ratio", value=9.0)
    intervals = pd.concat([other, size, size.assign(parameter="mean", value=9.0)])
    found = recommendation.overview({"candidates": TABLE, "intervals": intervals})
    assert found.time_s.tolist() == [1.0, 100.0]
    assert found.sigma_d.tolist() == [0.2, 0.3]
    assert found.candidate.tolist() == ["quantiles", "constant"]


def test_every_candidate_has_the_name_of_a_model_of_a_run() -> None:
    names = {candidate.__name__ for candidate in CANDIDATES}
    assert recommendation.SUFFIXES.keys() == names


@pytest.mark.parametrize(
    ("adequate", "make"), [("constant", gaussian), ("smooth", smooth), ("quantiles", empirical)]
)
def test_the_recommended_model_is_that_of_the_simplest_adequate_candidate(adequate, make) -> None:
    """That of the nearest measured time, made from the levels at the time itself."""
    levels = read_level_table(bundled.LEVELS).query("technology == 'RRAM_B'")
    tables = {
        "levels": levels,
        "candidates": TABLE.assign(
            technology="RRAM_B", time_s=[1.0] * 4 + [1e4] * 4, adequate=TABLE.candidate == adequate
        ),
        "intervals": pd.DataFrame(
            {"technology": "RRAM_B", "time_s": [1.0, 1e4], "candidate": "constant",
             "parameter": "sigma_d", "value": 0.1, "low": 0.1, "high": 0.1}
        ),
    }  # fmt: skip
    for time_s in (1e4, 300.0):
        expected = make(at_time(levels, "RRAM_B", time_s))
        assert recommendation.recommended_model(tables, time_s) == expected
    assert recommendation.recommended_model(tables).time_s == 1e4
    tables["candidates"].loc[:3, "adequate"] = TABLE.candidate[:4] == "s_ratio"
    early = recommendation.recommended_model(tables, 1.0)
    assert early == gaussian(at_time(levels, "RRAM_B", 1.0))
    with pytest.raises(ValueError, match=r"time_s of RRAM_B must be .*got 20000\.0"):
        recommendation.recommended_model(tables, 2e4)
