"""Laws of recommendations: the rows that they use and the numbers that they state."""

import pandas as pd
import pytest

from neft.characterize import recommendation

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
