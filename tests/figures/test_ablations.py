"""What a reader would see of ablations: the artists hold the table's numbers."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

from neft import figures
from neft.figures import style

SETTING = pd.DataFrame(
    {
        "section": "irs",
        "value": ["unset", "0.15, 0.1", "features.conv1=6, features.pool1=4"],
        "default": [False, True, False],
        "accuracy": [0.9, 0.8, 0.7],
        "low": [0.88, 0.75, np.nan],
        "high": [0.91, 0.85, np.nan],
    }
)
MATRIX = pd.DataFrame(
    [
        (0.3, 0.1, 0.9, -0.012, -0.02, -0.004),
        (0.1, 0.1, 0.912, 0.0, 0.0, 0.0),
        (0.1, 0.3, 0.5, -0.3, np.nan, np.nan),
        (0.3, 0.3, 0.8, 0.0, np.nan, np.nan),
    ],
    columns=[
        "trained", "tested", "accuracy", "difference", "difference_low", "difference_high",
    ],
)  # fmt: skip


def test_values_are_drawn_from_top_to_bottom_with_their_intervals_in_percent():
    ax = figures.plot_setting(SETTING, "accuracy", reference=0.6)
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


def test_the_settings_own_value_is_the_full_marker():
    ax = figures.plot_setting(SETTING, "accuracy", reference=0.6)
    faces = [bar.lines[0].get_markerfacecolor() for bar in ax.containers]
    assert faces == ["white", style.METHOD_COLOURS["irs"], "white"]


def test_a_value_without_a_difference_keeps_its_place():
    table = SETTING.assign(difference=[0.01, np.nan, -0.01], low=-0.02, high=0.02)
    ax = figures.plot_setting(table, "difference", reference=0)
    assert len(ax.get_yticks()) == 3
    assert [bar.lines[0].get_ydata()[0] for bar in ax.containers] == [0, 1, 2]
    assert np.isnan(ax.containers[1].lines[0].get_xdata()[0])


def test_matrix_writes_accuracy_and_what_the_column_is_compared_with():
    ax = figures.plot_matrix(MATRIX, "trained", "tested")
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


def test_matrix_frames_what_was_trained_for_what_it_is_tested_on():
    ax = figures.plot_matrix(MATRIX, "trained", "tested")
    assert [patch.get_xy() for patch in ax.patches] == [(0, 0), (1, 1)]


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match=r"missing \['difference'\]"):
        figures.plot_setting(SETTING, "difference", reference=0)
    with pytest.raises(ValueError, match="one row per value"):
        figures.plot_setting(pd.concat([SETTING, SETTING]), "accuracy", reference=0)
    with pytest.raises(ValueError, match="one row per trained, tested"):
        figures.plot_matrix(pd.concat([MATRIX, MATRIX]), "trained", "tested")
    with pytest.raises(ValueError, match="fraction in"):
        figures.plot_matrix(MATRIX.assign(accuracy=91.2), "trained", "tested")


def test_equal_tables_give_equal_files(tmp_path):
    for name in ("first", "second"):
        ax = figures.plot_matrix(MATRIX, "trained", "tested")
        style.save_svg(ax.figure, tmp_path / f"{name}.svg")
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()


@pytest.mark.parametrize(
    ("plot", "table"),
    [
        (
            lambda table, ax: figures.plot_setting(table, "accuracy", reference=0, ax=ax),
            SETTING,
        ),
        (lambda table, ax: figures.plot_matrix(table, "trained", "tested", ax=ax), MATRIX),
    ],
)
def test_figures_are_drawn_where_they_are_told_and_leave_the_table_as_it_is(plot, table):
    before, ax = table.copy(), matplotlib.pyplot.subplots()[1]
    assert plot(table, ax) is ax
    assert len(matplotlib.pyplot.get_fignums()) == 1
    pd.testing.assert_frame_equal(table, before)
