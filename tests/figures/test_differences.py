"""Bars of the figure are the table's rows, the highest first, filled where they leave out 0."""

import numpy as np
import pytest
from helpers.tables import DIFFERENCES
from matplotlib.colors import to_hex

from neft import figures


def test_bars_hold_the_differences_and_are_filled_where_significant() -> None:
    ax = figures.plot_differences(DIFFERENCES)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["IRS", "OVF", "Noise-free"]
    rows = DIFFERENCES.set_index("method").loc[["irs", "ovf", "noise_free"]]
    for place, (row, drawn) in enumerate(zip(rows.itertuples(), ax.containers, strict=True)):
        marker, _, (bar,) = drawn
        assert marker.get_xydata()[0] == pytest.approx([100 * row.difference, place])
        assert bar.get_segments()[0][:, 0] == pytest.approx([100 * row.low, 100 * row.high])
        assert (to_hex(marker.get_mfc()) == "#ffffff") == (row.low < 0 < row.high)
    assert ax.yaxis_inverted()
    assert ax.get_xlabel() == "Difference from scaled logits (points)"


def test_one_seed_has_differences_without_bars() -> None:
    ax = figures.plot_differences(DIFFERENCES.assign(low=np.nan, high=np.nan))
    assert [to_hex(drawn[0].get_mfc()) for drawn in ax.containers] == ["#ffffff"] * 3
