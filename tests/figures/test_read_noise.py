"""The figure of read noise: points as measured, lines as fitted, a colour for each device."""

from helpers import tables
from helpers.tables import legend_texts

from neft import figures


def test_spectra_are_drawn_in_order_of_frequency_on_log_axes():
    ax = figures.plot_read_noise(tables.SPECTRA)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert legend_texts(ax) == ["b", "a"]
    points, line, *_ = ax.lines
    assert points.get_xydata().tolist() == [[1, 4e-6], [10, 2e-7]]
    assert line.get_xydata().tolist() == [[1, 5e-6], [10, 1e-7]]
    assert (points.get_linestyle(), line.get_marker()) == ("None", "None")
    colours = [each.get_color() for each in ax.lines]
    assert colours[0] == colours[1] != colours[2] == colours[3]
