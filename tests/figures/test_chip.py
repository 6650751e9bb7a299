"""The figure of a chip's parts: the artists show the numbers of the table."""

import pytest
from helpers.tables import PARTS, lines
from matplotlib.colors import to_hex

from neft import figures


def test_added_parts_are_filled_and_joined_and_a_part_alone_is_open() -> None:
    ax = figures.plot_parts(PARTS)
    names = [text.get_text() for text in ax.get_xticklabels()]
    assert names == ["devices", "+ read noise", "+ converters"]
    assert list(lines(ax)) == ["OVF", "my method"]
    for method, pair in zip(
        ("ovf", "my_method"), (ax.containers[:2], ax.containers[2:]), strict=True
    ):
        rows = PARTS[PARTS.method == method]
        for series, container in zip(("added", "alone"), pair, strict=True):
            shown = rows[rows.series == series]
            shown = shown[shown.part != "devices"] if series == "alone" else shown
            marker, _, (bars,) = container
            places, heights = marker.get_data()
            assert [round(x) for x in places] == [0, 1, 2][-len(shown) :]
            assert heights == pytest.approx(100 * shown.accuracy)
            ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
            expected = [[100 * row.low, 100 * row.high] for row in shown.itertuples()]
            assert ends == [pytest.approx(each) for each in expected]
            assert (to_hex(marker.get_markerfacecolor()) == "#ffffff") == (series == "alone")
            assert (marker.get_linestyle() == "None") == (series == "alone")
    assert len({x for c in ax.containers for x in c[0].get_xdata()}) == 10  # none hides another
