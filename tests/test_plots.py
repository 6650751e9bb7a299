"""What a reader would see: the artists hold the table's numbers, and files repeat byte for byte."""

import subprocess
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb

from neft import device_plots, files, plots, style

LEVELS = pd.DataFrame(
    {"g": [0.0, 0.5, 1.0], "std": [0.01, 0.03, 0.02], "std_error": [0.001, 0.002, 0.003]}
)
MODELS = pd.DataFrame(
    {
        "model": ["late"] * 2 + ["early"] * 2,
        "g": [1.0, 0.5, 0.0, 1.0],
        "sigma": [0.02, 0.03, 0.025, 0.025],
    }
)
DRIFT = pd.DataFrame(
    [(t, g, -0.001 * i * g) for i, t in enumerate([1e4, 0.01, 0, 100, 0.1, 1]) for g in (1.0, 0.2)],
    columns=["time_s", "g", "mean"],
)
ACCURACY = pd.DataFrame(
    [
        (method, sigma_d, a, a - 0.02, a + 0.01, a - 0.08, a + 0.03)
        for method, top in [("irs", 0.95), ("ovf", 0.94), ("my_method", 0.9)]
        for sigma_d, a in [(0.2, top - 0.3), (0.0, top), (0.1, top - 0.1)]
    ],
    columns=["method", "sigma_d", "accuracy", "low", "high", "p5", "p95"],
)
DRAWS = pd.DataFrame(
    [(m, 0.5 + 0.01 * i) for m in ("ovf", "noise_free", "my_method") for i in range(21)],
    columns=["method", "accuracy"],
)
HISTORY = pd.DataFrame(
    [
        (method, seed, epoch, 0.5 + 0.1 * epoch + 0.01 * seed)
        for method in ("irs", "my_method")
        for seed in (3, 7)
        for epoch in (2, 1, 3)
    ],
    columns=["method", "seed", "epoch", "validation_accuracy"],
)
DISTANCES = pd.DataFrame(
    {
        "candidate": ["late"] * 2 + ["early"] * 2,
        "g": [0.75, 0.25, 0.25, 0.75],
        "ks": [0.2, 0.1, 0.3, 0.4],
        "ks_p": [0.5, 0.001, 0.02, 0.03],
        "ad": [2.0, 1.0, 3.0, 4.0],
    }
)
STUCK = pd.DataFrame(
    [
        (stuck, share, 0.9 - share, 0.85 - share, 0.92 - share)
        for stuck in ("low", "high")
        for share in (0.05, 0.0, 0.001)
    ],
    columns=["stuck", "share", "accuracy", "low", "high"],
)
QUANTITY = ACCURACY.drop(columns=["p5", "p95"]).rename(columns={"accuracy": "mean"})
ONE_TABLE = [
    (device_plots.plot_drift, DRIFT),
    (plots.plot_accuracy_vs_sigma, ACCURACY),
    (plots.plot_chip_distribution, DRAWS),
    (plots.plot_history, HISTORY),
    (device_plots.plot_stuck, STUCK),
    (plots.plot_convergence, QUANTITY),
]
EVERY_PLOT = [
    *ONE_TABLE,
    (lambda table, **ax: device_plots.plot_spread(table, MODELS, **ax), LEVELS),
    (lambda table, **ax: device_plots.plot_distances(table, "ks", **ax), DISTANCES),
    (lambda table, **ax: plots.plot_quantity_vs_sigma(table, label="EKL", **ax), QUANTITY),
]


@pytest.fixture(autouse=True)
def clean_pyplot():
    with matplotlib.rc_context():
        yield
        plt.close("all")


def lines(ax):
    """Lines by their label in the legend."""
    handles, labels = ax.get_legend_handles_labels()
    return dict(zip(labels, handles, strict=True))


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize("plot, table", EVERY_PLOT)
def test_draws_on_the_given_axes_only(plot, table):
    _, (left, right) = plt.subplots(1, 2)
    before = table.copy()
    assert plot(table, ax=left) is left
    assert not right.has_data()
    assert plt.get_fignums() == [1]
    assert plt.gca() is right, "the current axes must stay the caller's"
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize("plot, table", EVERY_PLOT)
def test_no_axes_means_a_new_figure(plot, table):
    other = plt.subplots()[1]
    ax = plot(table)
    assert ax.figure is not other.figure
    assert not other.has_data()


@pytest.mark.parametrize("plot, table", EVERY_PLOT)
def test_a_missing_column_is_named(plot, table):
    for column in table.columns:
        with pytest.raises(ValueError, match=rf"missing \['{column}'\]$"):
            plot(table.drop(columns=column))
    with pytest.raises(ValueError, match="missing all rows"):
        plot(table.iloc[:0])
    assert plt.get_fignums() == [], "a refused table must leave no figure"


def test_a_missing_model_column_is_named():
    with pytest.raises(ValueError, match=r"missing \['sigma'\]$"):
        device_plots.plot_spread(LEVELS, MODELS.drop(columns="sigma"))


@pytest.mark.parametrize(
    "plot, table", [case for case in EVERY_PLOT if case[0] is not plots.plot_chip_distribution]
)
def test_two_rows_for_one_point_are_refused(plot, table):
    with pytest.raises(ValueError, match="one row per"):
        plot(pd.concat([table, table.iloc[:1]]))


@pytest.mark.parametrize("plot, table", ONE_TABLE[1:])
def test_percent_in_place_of_a_fraction_is_refused(plot, table):
    column = next(name for name in table.columns if name.endswith(("accuracy", "mean")))
    with pytest.raises(ValueError, match=rf"{column} must be a fraction in \[0, 1\], got"):
        plot(table.assign(**{column: 100 * table[column]}))


def test_spread_shows_points_bars_and_models_in_percent():
    ax = device_plots.plot_spread(LEVELS, MODELS)
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


def test_drift_orders_times_and_darkens_with_time():
    ax = device_plots.plot_drift(DRIFT)
    assert legend_texts(ax) == ["0 s", "10 ms", "0.1 s", "1 s", "100 s", "$10^{4}$ s"]
    light = [np.dot([0.2126, 0.7152, 0.0722], to_rgb(x.get_color())) for x in lines(ax).values()]
    assert np.all(np.diff(light) < 0)
    np.testing.assert_allclose(lines(ax)["100 s"].get_xydata(), [[0.2, -0.06], [1, -0.3]])


@pytest.mark.parametrize(
    "time_s, text",
    [
        (0, "0 s"),
        (0.01, "10 ms"),
        (0.1, "0.1 s"),
        (4, "4 s"),
        (100, "100 s"),
        (1000, "$10^{3}$ s"),
        (1e5, "$10^{5}$ s"),
        (25_000, r"$2.5\times10^{4}$ s"),
    ],
)
def test_time_labels_are_for_people(time_s, text):
    rows = pd.DataFrame({"time_s": [time_s] * 2, "g": [0.0, 1.0], "mean": [0.0, 0.0]})
    assert legend_texts(device_plots.plot_drift(rows)) == [text]


def test_accuracy_lines_bands_and_whiskers_hold_the_table_in_percent():
    ax = plots.plot_accuracy_vs_sigma(ACCURACY)
    assert legend_texts(ax) == ["IRS", "OVF", "my method"]
    bands, whiskers = ax.collections[::2], ax.collections[1::2]
    offsets = []
    for (method, rows), band, whisker in zip(
        ACCURACY.groupby("method", sort=False), bands, whiskers, strict=True
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


def test_one_seed_has_no_interval_and_is_still_drawn():
    table = ACCURACY.assign(low=np.nan, high=np.nan)
    assert len(lines(plots.plot_accuracy_vs_sigma(table))) == 3


def test_accuracy_axis_stays_within_reason():
    table = ACCURACY.assign(accuracy=1.0, high=1.3, low=-0.4)
    bottom, top = plots.plot_accuracy_vs_sigma(table).get_ylim()
    assert bottom == -1 and top == 101


def test_marks_are_dotted_and_labelled():
    ax = plots.plot_accuracy_vs_sigma(ACCURACY, marks={"RRAM B": 0.05, "RRAM C": 0.12})
    found = {text.get_text(): text for text in ax.texts}
    assert list(found) == ["RRAM B", "RRAM C"]
    assert found["RRAM C"].get_position()[0] == 0.12
    assert found["RRAM C"].get_rotation() == 90
    dotted = [x for x in ax.lines if len(x.get_xdata()) == 2]
    assert [x.get_xdata()[0] for x in dotted] == [0.05, 0.12]
    assert {x.get_linestyle() for x in dotted} == {":"}
    assert len(legend_texts(ax)) == 3, "marks stay out of the legend"


def test_chips_keep_order_of_appearance_and_every_chip():
    ax = plots.plot_chip_distribution(DRAWS)
    assert [x.get_text() for x in ax.get_xticklabels()] == ["OVF", "Noise-free", "my method"]
    for i, (method, rows) in enumerate(DRAWS.groupby("method", sort=False)):
        strip = ax.collections[i]
        places, percent = np.asarray(strip.get_offsets()).T
        np.testing.assert_allclose(np.sort(percent), np.sort(100 * rows.accuracy))
        assert np.all(np.abs(places - i) <= 0.3)
        assert to_hex(strip.get_facecolor()[0]) == style.method_style(method).colour.lower()
        assert to_hex(ax.patches[i].get_edgecolor()) == style.method_style(method).colour.lower()
    medians = [x for x in ax.lines if x.get_linewidth() == 2]
    np.testing.assert_allclose([x.get_ydata()[0] for x in medians], [60, 60, 60])


def test_history_has_one_line_per_seed_and_one_entry_per_method():
    ax = plots.plot_history(HISTORY)
    assert legend_texts(ax) == ["IRS", "my method"]
    assert len(ax.lines) == 4
    np.testing.assert_allclose(ax.lines[1].get_xydata(), [[1, 67], [2, 77], [3, 87]])
    assert {x.get_color() for x in ax.lines[:2]} == {style.METHOD_COLOURS["irs"]}


def test_a_method_looks_the_same_in_every_figure_and_company():
    alone = plots.plot_accuracy_vs_sigma(ACCURACY[ACCURACY.method == "my_method"])
    together = plots.plot_accuracy_vs_sigma(ACCURACY)
    history = plots.plot_history(HISTORY)
    drawn = [lines(ax)["my method"] for ax in (alone, together, history)]
    assert len({x.get_color() for x in drawn}) == 1
    assert len({x.get_linestyle() for x in drawn}) == 1
    assert drawn[0].get_marker() == drawn[1].get_marker()


def test_built_in_methods_differ_without_colour_and_feedback_stands_out():
    styles = style.METHOD_STYLES
    for part in ("label", "colour", "marker"):
        assert len({getattr(style, part) for style in styles.values()}) == len(styles)
    strong = {name for name, style in styles.items() if style.linewidth > 1.5}
    assert strong == {"ovf", "irs"}


def test_fallback_depends_on_the_name_alone():
    code = "from neft.style import method_style; print(repr(method_style('my_method')))"
    other_process = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONHASHSEED": "7"},
    )
    look = style.method_style("my_method")
    assert other_process.stdout.strip() == repr(look)
    assert look.colour not in style.METHOD_COLOURS.values()
    assert len({style.method_style(f"method_{i}") for i in range(20)}) > 10


@pytest.mark.parametrize("plot, table", EVERY_PLOT)
def test_svg_is_byte_equal_when_the_numbers_are(plot, table, tmp_path):
    style.use_style()
    first = plot(table).figure
    style.save_svg(first, tmp_path / "new" / "folder" / "a.svg")
    first.savefig(tmp_path / "as a notebook shows it.png", dpi=110)
    style.save_svg(first, tmp_path / "b.svg")
    style.save_svg(plot(table.copy()).figure, tmp_path / "c.svg")
    a, b, c = (tmp_path / name for name in ("new/folder/a.svg", "b.svg", "c.svg"))
    assert a.read_bytes() == b.read_bytes() == c.read_bytes()
    assert b"<dc:date>" not in a.read_bytes()


def test_saving_keeps_axes_that_were_placed_by_hand(tmp_path):
    ax = device_plots.plot_drift(DRIFT)
    ax.set_position([0.3, 0.3, 0.4, 0.4])
    style.save_svg(ax.figure, tmp_path / "a.svg")
    np.testing.assert_allclose(ax.get_position().bounds, [0.3, 0.3, 0.4, 0.4])


def test_svg_changes_with_the_numbers(tmp_path):
    style.save_svg(device_plots.plot_drift(DRIFT).figure, tmp_path / "a.svg")
    style.save_svg(device_plots.plot_drift(DRIFT.assign(mean=DRIFT.g)).figure, tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() != (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("broken", ["savefig", "replace"])
def test_a_failed_save_leaves_the_old_file_and_nothing_else(broken, tmp_path, monkeypatch):
    path = tmp_path / "figure.svg"
    path.write_text("old")
    figure = device_plots.plot_drift(DRIFT).figure

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(figure if broken == "savefig" else files.os, broken, fail)
    with pytest.raises(OSError, match="disk full"):
        style.save_svg(figure, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_style_is_for_a_column_and_needs_no_system_font():
    style.use_style()
    assert plt.rcParams["figure.figsize"][0] == 3.5
    assert 7 <= plt.rcParams["font.size"] <= 9
    assert plt.rcParams["font.sans-serif"] == ["DejaVu Sans"]
    assert plt.rcParams["svg.hashsalt"] == "neft"


def test_probit_draws_measured_points_and_a_line_for_each_fit():
    table = pd.DataFrame(
        {"model": ["measured"] * 2 + ["fit"] * 2, "z": [-1, 1] * 2, "error": [-0.1, 0.3, -0.2, 0.2]}
    )
    points, line = device_plots.plot_probit(table).lines
    assert points.get_linestyle() == "None"
    assert list(points.get_ydata()) == pytest.approx([-10, 30])
    assert list(line.get_ydata()) == pytest.approx([-20, 20])
    assert line.get_label() == "fit"


def test_weight_errors_draw_spread_and_percentiles_for_each_mapping_in_percent():
    table = pd.DataFrame({"mapping": ["weight"] * 2 + ["sign_bit"] * 2, "u": [0, 1] * 2})
    std = pd.Series([0.1, 0.2, 0.3, 0.4])
    ax = device_plots.plot_weight_errors(table.assign(std=std, low=-2 * std, high=3 * std))
    drawn = [list(line.get_ydata()) for line in ax.lines]
    assert np.array(drawn) == pytest.approx(
        np.array([[10, 20], [-20, -40], [30, 60], [30, 40], [-60, -80], [90, 120]])
    )
    widths = [line.get_linewidth() for line in ax.lines]
    assert widths[0] > widths[1] == widths[2]
    assert [line.get_color() for line in ax.lines[:3]] == 3 * [ax.lines[0].get_color()]
    assert legend_texts(ax) == ["One error a weight", "Devices, sign bit"]
    assert ax.lines[0].get_color() != ax.lines[3].get_color()


def test_mapping_accuracy_sets_presets_apart_and_shows_intervals():
    table = pd.DataFrame(
        {
            "preset": ["A", "A", "B", "B"],
            "mapping": ["weight", "differential"] * 2,
            "accuracy": [0.9, 0.8, 0.7, 0.6],
            "low": [0.8, 0.7, 0.6, 0.5],
            "high": [0.95, 0.85, 0.75, 0.65],
        }
    )
    ax = device_plots.plot_mapping_accuracy(table)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["A", "B"]
    first = ax.containers[0]
    assert list(first.lines[0].get_ydata()) == pytest.approx([90, 70])
    ends = [segment[:, 1] for segment in first.lines[2][0].get_segments()]
    assert [list(end) for end in ends] == [pytest.approx([80, 95]), pytest.approx([60, 75])]


def test_accuracy_over_time_is_drawn_on_a_log_axis_in_the_order_of_time():
    table = pd.DataFrame({"model": "m", "time_s": [100.0, 0.01], "accuracy": [0.8, 0.9]})
    ax = device_plots.plot_accuracy_vs_time(table.assign(low=table.accuracy, high=table.accuracy))
    assert ax.get_xscale() == "log"
    assert list(ax.lines[0].get_xdata()) == [0.01, 100.0]
    assert list(ax.lines[0].get_ydata()) == pytest.approx([90, 80])


@pytest.mark.parametrize("distance", ["ks", "ad"])
def test_distances_fill_the_levels_where_a_model_is_rejected(distance):
    ax = device_plots.plot_distances(DISTANCES, distance)
    for candidate, rows in DISTANCES.groupby("candidate"):
        rows = rows.sort_values("g")
        line = lines(ax)[candidate]
        assert line.get_xydata().tolist() == rows[["g", distance]].to_numpy().tolist()
        assert line.get_markerfacecolor() == "white"
    full = [line.get_xydata().tolist() for line in ax.lines if line.get_linestyle() == "None"]
    assert full == [[[0.25, DISTANCES[distance][1]]], []]


def test_bands_lie_around_the_model_they_belong_to():
    bands = pd.DataFrame({"model": "early", "g": [1.0, 0.0], "low": 0.02, "high": 0.03})
    ax = device_plots.plot_spread(LEVELS, MODELS, bands=bands)
    shown = [band for band in ax.collections if band.get_alpha() == 0.2 and len(band.get_paths())]
    (band,) = [b for b in shown if np.size(b.get_paths()[0].vertices)]
    assert to_hex(band.get_facecolor()[0]) == to_hex(lines(ax)["early"].get_color())
    assert band.get_paths()[0].vertices[:, 1].min() == pytest.approx(2)
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(3)


def test_shares_of_stuck_devices_are_evenly_spaced_and_labelled_in_percent():
    ax = device_plots.plot_stuck(STUCK)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0", "0.1", "5"]
    expected = [[0, 90], [1, 89.9], [2, 85]]
    for stuck in ("low", "high"):
        assert lines(ax)[f"stuck {stuck}"].get_xydata() == pytest.approx(np.array(expected))


@pytest.mark.parametrize("log", [False, True])
def test_quantities_are_drawn_as_they_are_with_their_bands(log):
    table = QUANTITY.assign(low=QUANTITY.low - 2)
    ax = plots.plot_quantity_vs_sigma(table, label="EKL (nats)", log=log)
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
    table = QUANTITY.assign(mean=[0.2 * (i % 5) for i in range(9)])
    table = table.assign(low=table["mean"] - 0.1, high=table["mean"] + 0.05)
    ax = plots.plot_convergence(table)
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
