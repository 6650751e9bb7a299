"""Figures of ablations: the artists show the numbers of the table."""

import numpy as np
import pytest
from helpers.tables import MATRIX, SETTING, matrix, setting

from neft import figures
from neft.figures import style


def test_values_are_drawn_from_top_to_bottom_with_their_intervals_in_percent():
    ax = setting(SETTING)
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "unset",
        "0.15, 0.1",
        "conv1=6, pool1=4",
    ]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    for i, bar in enumerate(ax.containers):
        point, _, (whisker,) = bar.lines
        assert point.get_xydata().tolist() == [[pytest.approx(100 * SETTING.accuracy[i]), i]]
        if i < 2:
            ends = whisker.get_segments()[0][:, 0]
            assert ends == pytest.approx([100 * SETTING.low[i], 100 * SETTING.high[i]])
    assert ax.lines[0].get_xdata() == [60, 60]
    faces = [bar.lines[0].get_markerfacecolor() for bar in ax.containers]
    assert faces == ["white", style.METHOD_STYLES["irs"].colour, "white"], "filled: the default"


def test_a_value_without_a_difference_keeps_its_place():
    table = SETTING.assign(difference=[0.01, np.nan, -0.01], low=-0.02, high=0.02)
    ax = figures.plot_setting(table, "difference", reference=0)
    assert len(ax.get_yticks()) == 3
    assert [bar.lines[0].get_ydata()[0] for bar in ax.containers] == [0, 1, 2]
    assert np.isnan(ax.containers[1].lines[0].get_xdata()[0])


def test_matrix_cells_show_accuracy_and_the_difference_from_the_framed_diagonal():
    ax = matrix(MATRIX)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0.1", "0.3"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["0.1", "0.3"]
    written = [text.get_text() for text in ax.texts]
    assert written == [
        "91.2",
        "50.0\n\N{MINUS SIGN}30.0",
        "90.0\n\N{MINUS SIGN}1.2\n[\N{MINUS SIGN}2.0, \N{MINUS SIGN}0.4]",
        "80.0",
    ]
    values = ax.collections[0].get_array().reshape(2, 2)
    assert values.tolist() == [[pytest.approx(91.2), 50], [90, 80]]
    assert [patch.get_xy() for patch in ax.patches] == [(0, 0), (1, 1)]
