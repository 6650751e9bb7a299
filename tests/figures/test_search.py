"""Figures of a search hold its numbers."""

import numpy as np
import pandas as pd
import pytest

from neft import figures

TABLE = pd.DataFrame({"clip": [3.0, 1.5, 2.0, 2.5], "score": [0.5, np.nan, 0.7, 0.6]})


def test_the_course_has_each_proposal_and_the_best_so_far() -> None:
    ax = figures.plot_search(TABLE)
    dots, best = (line.get_ydata() for line in ax.get_lines())
    np.testing.assert_allclose(dots, [50, np.nan, 70, 60])
    np.testing.assert_allclose(best, [50, 50, 70, 70])


def test_a_setting_is_drawn_against_the_score() -> None:
    ax = figures.plot_search_setting(TABLE, "clip", log=True)
    drawn = ax.collections[0].get_offsets()  # a failed proposal has no dot
    np.testing.assert_allclose(drawn.compressed(), [3, 50, 2, 70, 2.5, 60])
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "clip"


def test_tables_without_the_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="must have rows of"):
        figures.plot_search(TABLE.drop(columns="score"))
    with pytest.raises(ValueError, match="must have rows of"):
        figures.plot_search_setting(TABLE, "divisor")
