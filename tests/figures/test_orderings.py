"""Figures beside the paper: curves hold the table, cells their differences and verdict."""

import numpy as np
from helpers import tables
from helpers.tables import legend_texts, lines
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from neft import figures
from neft.figures import orderings, style
from neft.statistics import published


def test_published_curves_hold_the_table_in_percent() -> None:
    theirs = published.accuracy("mnist", "vgg8")
    ax = figures.plot_published(theirs)
    assert len(ax.lines) == theirs.method.nunique() == 5
    for method, rows in theirs.groupby("method"):
        line = lines(ax)[style.METHOD_STYLES[method].label]
        np.testing.assert_allclose(line.get_xydata().T, [rows.sigma_d, 100 * rows.accuracy])


def test_curves_beside_the_papers_share_an_axis_that_ends_beyond_the_highest_and_at_100() -> None:
    low = tables.ACCURACY.assign(accuracy=0.2, low=0.15, high=0.25, p5=0.1, p95=0.3)
    _, axes = figures.panels(2, 2.4, 2.6, sharey=True)
    figures.plot_accuracy_vs_sigma(low, ax=axes[0])
    figures.plot_published(low.assign(accuracy=0.99), ax=axes[1])
    for ax in axes:
        bottom, top = ax.get_ylim()
        assert 0 < bottom < 10 and top == 101


def test_cells_show_both_differences_and_the_colour_of_the_verdict() -> None:
    ax = figures.plot_orderings(tables.ORDERINGS)
    found = {
        text.get_text(): (text.get_position(), to_hex(box.get_facecolor()))
        for text, box in zip(
            ax.texts, [p for p in ax.patches if isinstance(p, Rectangle)], strict=True
        )
    }
    assert found == {
        "+2.1\n(+5.0)": ((0, 0), orderings.COLOURS["holds"]),
        "\N{MINUS SIGN}3.4\n(+10.0)": ((1, 0), orderings.COLOURS["reversed"]),
        "+0.1\n(\N{MINUS SIGN}1.0)": ((1, 1), orderings.COLOURS["no significant difference"]),
    }
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["OVF over Noise injection", "IRS over OVF"]
    assert legend_texts(ax) == ["holds", "reversed", "no significant difference"]
