"""One style per method in all figures; equal figures give equal files."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from helpers.tables import DRIFT, EVERY_PLOT

from neft import figures
from neft._utils import files
from neft.figures import style


def test_built_in_methods_differ_without_colour_and_ovf_and_irs_stand_out():
    styles = style.METHOD_STYLES
    for part in ("label", "colour", "marker"):
        assert len({getattr(style, part) for style in styles.values()}) == len(styles)
    strong = {name for name, style in styles.items() if style.linewidth > 1.5}
    assert strong == {"ovf", "irs"}


def test_fallback_depends_on_the_name_alone():
    code = "from neft.figures.style import method_style; print(repr(method_style('my_method')))"
    other_process = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONHASHSEED": "7"},
    )
    look = style.method_style("my_method")
    assert other_process.stdout.strip() == repr(look)
    assert look.colour not in {each.colour for each in style.METHOD_STYLES.values()}
    assert len({style.method_style(f"method_{i}") for i in range(20)}) > 10


@pytest.mark.parametrize("plot, table", EVERY_PLOT)
def test_equal_numbers_give_equal_svg_bytes(plot, table, tmp_path):
    style.use_style()
    first = plot(table).figure
    style.save_svg(first, tmp_path / "new" / "folder" / "a.svg")
    first.savefig(tmp_path / "as a notebook shows it.png", dpi=110)
    style.save_svg(first, tmp_path / "b.svg")
    style.save_svg(plot(table.copy()).figure, tmp_path / "c.svg")
    a, b, c = (tmp_path / name for name in ("new/folder/a.svg", "b.svg", "c.svg"))
    assert a.read_bytes() == b.read_bytes() == c.read_bytes()
    assert b"<dc:date>" not in a.read_bytes()


def test_svg_with_pixel_images_repeats_byte_for_byte(tmp_path):
    style.use_style()
    for name in "ab":
        figure, (left, _) = style.panels(2, 1, 1)
        left.imshow(np.arange(12).reshape(3, 4) / 12, cmap="gray", interpolation="none")
        style.save_svg(figure, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert b"data:image/png" in (tmp_path / "a").read_bytes()


@pytest.mark.parametrize("count, rows, columns", [(1, 1, 1), (3, 1, 3), (4, 2, 3), (9, 3, 3)])
def test_panels_fill_rows_of_three(count, rows, columns):
    figure, axes = style.panels(count, 2, 1.5)
    assert len(axes) == len(figure.axes) == count
    assert tuple(figure.get_size_inches()) == (2 * columns, 1.5 * rows)


def test_saving_keeps_manual_axes_positions(tmp_path):
    ax = figures.plot_drift(DRIFT)
    ax.set_position([0.3, 0.3, 0.4, 0.4])
    style.save_svg(ax.figure, tmp_path / "a.svg")
    np.testing.assert_allclose(ax.get_position().bounds, [0.3, 0.3, 0.4, 0.4])


def test_svg_changes_with_the_numbers(tmp_path):
    style.save_svg(figures.plot_drift(DRIFT).figure, tmp_path / "a.svg")
    style.save_svg(figures.plot_drift(DRIFT.assign(mean=DRIFT.g)).figure, tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() != (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("broken", ["savefig", "replace"])
def test_a_failed_save_keeps_the_old_file_and_leaves_no_other(broken, tmp_path, monkeypatch):
    path = tmp_path / "figure.svg"
    path.write_text("old")
    figure = figures.plot_drift(DRIFT).figure

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(figure if broken == "savefig" else files.os, broken, fail)
    with pytest.raises(OSError, match="disk full"):
        style.save_svg(figure, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_style_fits_one_column_and_needs_no_system_font():
    style.use_style()
    assert plt.rcParams["figure.figsize"][0] == 3.5
    assert 7 <= plt.rcParams["font.size"] <= 9
    assert plt.rcParams["font.sans-serif"] == ["DejaVu Sans"]
    assert plt.rcParams["svg.hashsalt"] == "neft"
