"""Laws of all figures; figures of methods: the artists show the numbers of the table."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from helpers import tables
from helpers.tables import chip_ecdf, legend_texts, lines
from matplotlib.colors import to_hex

from neft import figures
from neft.figures import style


@pytest.mark.parametrize("plot, table", tables.EVERY_PLOT)
def test_draws_on_the_given_axes_or_on_a_new_figure_only(plot, table):
    figure, (left, right) = plt.subplots(1, 2)
    before = table.copy()
    assert plot(table, ax=left) is left
    assert not right.has_data()
    assert plt.get_fignums() == [1]
    assert plt.gca() is right, "the caller's current axes must not change"
    pd.testing.assert_frame_equal(table, before)
    assert plot(table).figure is not figure
    assert not right.has_data()


@pytest.mark.parametrize("plot, table", tables.EVERY_PLOT)
def test_a_missing_column_is_named(plot, table):
    for column in table.columns:
        with pytest.raises(ValueError, match=rf"missing \['{column}'\]$"):
            plot(table.drop(columns=column))
    with pytest.raises(ValueError, match="missing all rows"):
        plot(table.iloc[:0])
    assert plt.get_fignums() == [], "a refused table must not leave a figure"


CHIPS = (figures.plot_chip_distribution, chip_ecdf)


@pytest.mark.parametrize(
    "plot, table", [case for case in tables.EVERY_PLOT if case[0] not in CHIPS]
)
def test_two_rows_for_one_point_are_refused(plot, table):
    with pytest.raises(ValueError, match="one row per"):
        plot(pd.concat([table, table.iloc[:1]]))


def test_unknown_quantities_are_refused():
    with pytest.raises(ValueError, match="distance must be one of ks, ad, got 'kl'"):
        figures.plot_distances(tables.DISTANCES, "kl")
    with pytest.raises(ValueError, match="quantity must be one of validation_accuracy, train_loss"):
        figures.plot_history(tables.HISTORY, "accuracy")


@pytest.mark.parametrize("plot, table", tables.OF_FRACTIONS)
def test_percent_in_place_of_a_fraction_is_refused(plot, table):
    column = next(name for name in table.columns if name.endswith(("accuracy", "mean")))
    with pytest.raises(ValueError, match=rf"{column} must be a fraction in \[0, 1\], got"):
        plot(table.assign(**{column: 100 * table[column]}))


def test_accuracy_lines_bands_and_whiskers_hold_the_table_in_percent():
    ax = figures.plot_accuracy_vs_sigma(tables.ACCURACY)
    assert legend_texts(ax) == ["IRS", "OVF", "my method"]
    bands, whiskers = ax.collections[::2], ax.collections[1::2]
    offsets = []
    for (method, rows), band, whisker in zip(
        tables.ACCURACY.groupby("method", sort=False), bands, whiskers, strict=True
    ):
        rows = rows.sort_values("sigma_d")
        look = style.method_style(method)
        line = lines(ax)[look.label]
        np.testing.assert_allclose(line.get_xdata(), rows.sigma_d)
        np.testing.assert_allclose(line.get_ydata(), 100 * rows.accuracy)
        corners = {tuple(corner) for corner in band.get_paths()[0].vertices.round(6)}
        for bound in ("low", "high"):
            percent = (100 * rows[bound]).round(6)
            assert set(zip(rows.sigma_d, percent, strict=True)) <= corners
        ends = [segment[:, 1] for segment in whisker.get_segments()]
        np.testing.assert_allclose(ends, 100 * rows[["p5", "p95"]])
        for colour in (band.get_facecolor()[0], whisker.get_color()[0], line.get_color()):
            assert to_hex(colour) == look.colour.lower()
        shift = whisker.get_transform().transform((0, 50)) - ax.transData.transform((0, 50))
        offsets.append(shift[0])
    assert offsets[0] < 0 < offsets[2] and offsets[1] == pytest.approx(0, abs=1e-6)


def test_one_seed_is_drawn_without_interval_and_the_axis_ends_at_0_and_100_percent():
    table = tables.ACCURACY.assign(low=np.nan, high=np.nan)
    assert len(lines(figures.plot_accuracy_vs_sigma(table))) == 3
    table = tables.ACCURACY.assign(accuracy=1.0, high=1.3, low=-0.4)
    bottom, top = figures.plot_accuracy_vs_sigma(table).get_ylim()
    assert bottom == -1 and top == 101


def test_marks_are_labelled_dotted_lines():
    ax = figures.plot_accuracy_vs_sigma(tables.ACCURACY, marks={"RRAM B": 0.05, "RRAM C": 0.12})
    found = {text.get_text(): text for text in ax.texts}
    assert list(found) == ["RRAM B", "RRAM C"]
    assert found["RRAM C"].xy[0] == 0.12
    assert found["RRAM C"].get_rotation() == 90
    dotted = [x for x in ax.lines if len(x.get_xdata()) == 2]
    assert [x.get_xdata()[0] for x in dotted] == [0.05, 0.12]
    assert {x.get_linestyle() for x in dotted} == {":"}
    assert len(legend_texts(ax)) == 3, "marks are not in the legend"


def test_ecdf_is_the_share_of_chips_at_or_below_an_accuracy_with_marked_percentiles():
    ax = chip_ecdf(tables.DRAWS)
    assert legend_texts(ax) == ["OVF", "Noise-free", "my method"]
    for i, (method, rows) in enumerate(tables.DRAWS.groupby("method", sort=False)):
        curve, marks, _ = ax.lines[3 * i : 3 * i + 3]
        x, y = curve.get_data()
        assert x[0] == -np.inf and y[0] == 0
        for accuracy, percent in zip(x[1:], y[1:], strict=True):
            count = sum(100 * value <= accuracy for value in rows.accuracy)
            assert percent == pytest.approx(100 * count / len(rows))
        (expected,) = 100 * tables.PERCENTILES.set_index("method").loc[[method]].to_numpy()
        np.testing.assert_allclose(marks.get_xydata(), list(zip(expected, (1, 5), strict=True)))
        look = style.method_style(method)
        assert (marks.get_marker(), marks.get_color()) == (look.marker, look.colour)
    assert [list(line.get_ydata()) for line in ax.lines[-2:]] == [[1, 1], [5, 5]]
    assert ax.get_ylim()[0] == 0.1, "curves begin at one chip in a thousand"


def test_class_probabilities_are_in_percent_side_by_side_with_the_true_class_marked():
    ax = figures.plot_class_probabilities(tables.CLASSES)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1", "2"]
    assert legend_texts(ax) == ["my method", "OVF"]
    seen = []
    for i, (method, rows) in enumerate(tables.CLASSES.groupby("method", sort=False)):
        rows = rows.sort_values("class")
        markers = lines(ax)[style.method_style(method).label]
        np.testing.assert_allclose(markers.get_ydata(), 100 * rows["mean"])
        assert [round(x) for x in markers.get_xdata()] == [0, 1, 2]
        for j, ends in enumerate((["p5", "p95"], ["p25", "p75"])):
            found = [segment[:, 1] for segment in ax.collections[2 * i + j].get_segments()]
            np.testing.assert_allclose(found, 100 * rows[ends])
        seen += list(markers.get_xdata())
    assert len(set(seen)) == len(seen)
    (band,) = ax.patches
    assert (band.get_x(), band.get_width()) == (1.5, 1)


def test_only_the_likeliest_classes_are_shown_even_without_the_true_one():
    ax = figures.plot_class_probabilities(tables.CLASSES.assign(label=1), classes=2)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "2"]
    assert not ax.patches


def test_of_two_equal_curves_both_show():
    lower, upper = (
        line.get_zorder() for line in figures.plot_accuracy_vs_sigma(tables.ACCURACY).lines[1:]
    )
    thick, thin = (style.method_style(name).linewidth for name in ("ovf", "my_method"))
    assert thick > thin and lower < upper


def test_every_chip_is_drawn_in_order_of_appearance_of_methods():
    ax = figures.plot_chip_distribution(tables.DRAWS)
    assert [x.get_text() for x in ax.get_xticklabels()] == ["OVF", "Noise-free", "my method"]
    for i, (method, rows) in enumerate(tables.DRAWS.groupby("method", sort=False)):
        strip = ax.collections[i]
        places, percent = np.asarray(strip.get_offsets()).T
        np.testing.assert_allclose(np.sort(percent), np.sort(100 * rows.accuracy))
        assert np.all(np.abs(places - i) <= 0.3)
        assert to_hex(strip.get_facecolor()[0]) == style.method_style(method).colour.lower()
        assert to_hex(ax.patches[i].get_edgecolor()) == style.method_style(method).colour.lower()
    medians = [x for x in ax.lines if x.get_linewidth() == 2]
    np.testing.assert_allclose([x.get_ydata()[0] for x in medians], [60, 60, 60])


def test_history_has_one_line_per_seed_and_one_legend_entry_per_method_and_loss_is_no_percent():
    ax = figures.plot_history(tables.HISTORY)
    assert legend_texts(ax) == ["IRS", "my method"]
    assert len(ax.lines) == 4
    np.testing.assert_allclose(ax.lines[1].get_xydata(), [[1, 67], [2, 77], [3, 87]])
    assert {x.get_color() for x in ax.lines[:2]} == {style.METHOD_STYLES["irs"].colour}
    ax = figures.plot_history(tables.LOSS, "train_loss")
    np.testing.assert_allclose(ax.lines[1].get_xydata(), [[1, 0.67], [2, 0.77], [3, 0.87]])
    assert ax.get_ylabel() == "Training loss"


def test_a_method_looks_the_same_in_every_figure_beside_any_others():
    alone = figures.plot_accuracy_vs_sigma(tables.ACCURACY[tables.ACCURACY.method == "my_method"])
    together = figures.plot_accuracy_vs_sigma(tables.ACCURACY)
    history = figures.plot_history(tables.HISTORY)
    drawn = [lines(ax)["my method"] for ax in (alone, together, history)]
    assert len({x.get_color() for x in drawn}) == 1
    assert len({x.get_linestyle() for x in drawn}) == 1
    assert drawn[0].get_marker() == drawn[1].get_marker()


@pytest.mark.parametrize("log", [False, True])
def test_quantities_are_not_in_percent_and_have_bands(log):
    table = tables.QUANTITY.assign(low=tables.QUANTITY.low - 2)
    ax = figures.plot_quantity_vs_sigma(table, label="EKL (nats)", log=log)
    assert ax.get_ylabel() == "EKL (nats)"
    assert ax.get_yscale() == ("log" if log else "linear")
    for band, (method, rows) in zip(
        ax.collections, table.groupby("method", sort=False), strict=True
    ):
        rows = rows.sort_values("sigma_d")
        line = lines(ax)[style.method_style(method).label]
        np.testing.assert_allclose(line.get_xydata(), rows[["sigma_d", "mean"]])
        bounds = band.get_paths()[0].get_extents()
        assert bounds.ymax == pytest.approx(rows.high.max())
        assert bounds.ymin == pytest.approx(rows["mean"].min() / 10 if log else rows.low.min())


def test_convergence_is_shown_side_by_side_in_percent():
    table = tables.QUANTITY.assign(mean=[0.2 * (i % 5) for i in range(9)])
    table = table.assign(low=table["mean"] - 0.1, high=table["mean"] + 0.05)
    ax = figures.plot_convergence(table)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "0.1", "0.2"]
    seen = []
    for container, (method, rows) in zip(
        ax.containers, table.groupby("method", sort=False), strict=True
    ):
        points, _, (bars,) = container
        assert container.get_label() == style.method_style(method).label
        assert list(points.get_ydata()) == pytest.approx(list(100 * rows["mean"]))
        ends = np.array(bars.get_segments(), dtype=float)[:, :, 1]
        assert ends.ravel() == pytest.approx(100 * rows[["low", "high"]].to_numpy().ravel())
        assert [round(x) for x in points.get_xdata()] == [2, 0, 1]
        seen += list(points.get_xdata())
    assert len(set(seen)) == len(seen)
