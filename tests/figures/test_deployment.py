"""Figures of deployments and stuck devices: the artists show the numbers of the table."""

import numpy as np
import pytest
from helpers.tables import RECALIBRATED, STUCK, VERIFIED, lines
from matplotlib.colors import to_hex

from neft import figures
from neft.figures import style


def ticks(ax) -> list[str]:
    return [text.get_text() for text in ax.get_xticklabels()]


def test_numbers_of_images_are_evenly_spaced_and_methods_keep_their_styles():
    ax = figures.plot_recalibration(RECALIBRATED)
    assert ticks(ax) == ["0", "50", "200"]
    for method in ("noise_free", "ovf"):
        look = style.method_style(method)
        drawn = lines(ax)[look.label]
        assert drawn.get_xydata() == pytest.approx(np.array([[0, 70], [1, 75], [2, 90]]))
        assert to_hex(drawn.get_color()) == look.colour.lower()
        assert drawn.get_marker() == look.marker


@pytest.mark.parametrize(
    "plot, table, labels",
    [
        (figures.plot_write_verify, VERIFIED, ["Curvature", "Random"]),
        (figures.plot_stuck, STUCK, ["stuck low", "stuck high"]),
    ],
)
def test_shares_are_in_percent_and_lines_differ_without_colour(plot, table, labels):
    ax = plot(table)
    assert ticks(ax) == ["0", "0.1", "5"]
    assert list(lines(ax)) == labels
    for line in lines(ax).values():
        assert line.get_xydata() == pytest.approx(np.array([[0, 90], [1, 89.9], [2, 85]]))
    looks = {(line.get_marker(), line.get_linestyle()) for line in lines(ax).values()}
    assert len(looks) == 2
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(80)
    assert band[:, 1].max() == pytest.approx(92)
