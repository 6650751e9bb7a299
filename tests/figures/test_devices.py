"""Figures of devices: the artists show the numbers of the table."""

import numpy as np
import pandas as pd
import pytest
from helpers import tables
from helpers.tables import legend_texts, lines
from matplotlib.colors import to_hex, to_rgb

from neft import figures


def test_spread_shows_points_bars_and_models_in_percent():
    ax = figures.plot_spread(tables.LEVELS, tables.MODELS)
    points, _, (bars,) = lines(ax)["Measured"]
    np.testing.assert_allclose(points.get_xydata(), [[0, 1], [0.5, 3], [1, 2]])
    ends = [segment[:, 1] for segment in bars.get_segments()]
    np.testing.assert_allclose(ends, [[0.9, 1.1], [2.8, 3.2], [1.7, 2.3]])
    np.testing.assert_allclose(lines(ax)["late"].get_xydata(), [[0.5, 3], [1, 2]])
    np.testing.assert_allclose(lines(ax)["early"].get_xydata(), [[0, 2.5], [1, 2.5]])
    assert lines(ax)["late"].get_linestyle() != lines(ax)["early"].get_linestyle()
    assert list(lines(ax))[:2] == ["late", "early"], "models keep the table's order"
    assert "G_{\\max}" in ax.get_xlabel() and "% of" in ax.get_ylabel()
    assert ax.get_ylim()[0] == 0
    with pytest.raises(ValueError, match=r"missing \['sigma'\]$"):
        figures.plot_spread(tables.LEVELS, tables.MODELS.drop(columns="sigma"))


def test_drift_orders_times_and_darkens_with_time():
    ax = figures.plot_drift(tables.DRIFT)
    assert legend_texts(ax) == ["0 s", "10 ms", "0.1 s", "1 s", "100 s", "$10^{4}$ s"]
    light = [np.dot([0.2126, 0.7152, 0.0722], to_rgb(x.get_color())) for x in lines(ax).values()]
    assert np.all(np.diff(light) < 0)
    np.testing.assert_allclose(lines(ax)["100 s"].get_xydata(), [[0.2, -0.06], [1, -0.3]])


def test_times_have_readable_labels():
    drift = pd.DataFrame({"time_s": [0, 0.01, 0.1, 4, 100, 1000, 25_000, 1e5], "g": 0, "mean": 0.0})
    short, long = (
        ["0 s", "10 ms", "0.1 s", "4 s", "100 s"],
        ["10^{3}", r"2.5\times10^{4}", "10^{5}"],
    )
    assert legend_texts(figures.plot_drift(drift)) == short + [f"${power}$ s" for power in long]


def test_probit_draws_measured_points_and_a_line_for_each_fit():
    points, line = figures.plot_probit(tables.PROBIT).lines
    assert points.get_linestyle() == "None"
    assert list(points.get_ydata()) == pytest.approx([-10, 30])
    assert list(line.get_ydata()) == pytest.approx([-20, 20])
    assert line.get_label() == "fit"


def test_weight_errors_draw_spread_and_percentiles_for_each_mapping_in_percent():
    ax = figures.plot_weight_errors(tables.WEIGHT_ERRORS)
    drawn = [list(line.get_ydata()) for line in ax.lines]
    assert np.array(drawn) == pytest.approx(
        np.array([[10, 20], [-20, -40], [30, 60], [30, 40], [-60, -80], [90, 120]])
    )
    widths = [line.get_linewidth() for line in ax.lines]
    assert widths[0] > widths[1] == widths[2]
    assert [line.get_color() for line in ax.lines[:3]] == 3 * [ax.lines[0].get_color()]
    assert legend_texts(ax) == ["One error per weight", "Per device, sign bit"]
    assert ax.lines[0].get_color() != ax.lines[3].get_color()


def test_mapping_accuracy_has_one_place_per_preset_and_intervals():
    ax = figures.plot_mapping_accuracy(tables.MAPPINGS)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["A", "B"]
    first = ax.containers[0]
    assert list(first.lines[0].get_ydata()) == pytest.approx([90, 70])
    ends = [segment[:, 1] for segment in first.lines[2][0].get_segments()]
    assert [list(end) for end in ends] == [pytest.approx([80, 95]), pytest.approx([60, 75])]


def test_accuracy_over_time_is_drawn_on_a_log_axis_in_the_order_of_time():
    ax = figures.plot_accuracy_vs_time(tables.TIMES)
    assert ax.get_xscale() == "log"
    assert list(ax.lines[0].get_xdata()) == [0.01, 100.0]
    assert list(ax.lines[0].get_ydata()) == pytest.approx([90, 80])


@pytest.mark.parametrize("distance", ["ks", "ad"])
def test_distances_have_filled_markers_where_a_model_is_rejected(distance):
    ax = figures.plot_distances(tables.DISTANCES, distance)
    for candidate, rows in tables.DISTANCES.groupby("candidate"):
        rows = rows.sort_values("g")
        line = lines(ax)[candidate]
        assert line.get_xydata().tolist() == rows[["g", distance]].to_numpy().tolist()
        assert line.get_markerfacecolor() == "white"
    full = [line.get_xydata().tolist() for line in ax.lines if line.get_linestyle() == "None"]
    assert full == [[[0.25, tables.DISTANCES[distance][1]]], []]


def test_bands_belong_to_their_model():
    bands = pd.DataFrame({"model": "early", "g": [1.0, 0.0], "low": 0.02, "high": 0.03})
    ax = figures.plot_spread(tables.LEVELS, tables.MODELS, bands=bands)
    shown = [band for band in ax.collections if band.get_alpha() == 0.2 and len(band.get_paths())]
    (band,) = [b for b in shown if np.size(b.get_paths()[0].vertices)]
    assert to_hex(band.get_facecolor()[0]) == to_hex(lines(ax)["early"].get_color())
    assert band.get_paths()[0].vertices[:, 1].min() == pytest.approx(2)
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(3)
