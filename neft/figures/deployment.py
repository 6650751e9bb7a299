"""Figures of what helps at deployment, from finished tables; nothing here computes.

Every ``plot_*`` draws on ``ax``, or on a new figure if it is None, and returns the axes. It raises
ValueError if the table is empty, lacks a column, has two rows for one point, or holds an accuracy
outside [0, 1]. Fractions are drawn in percent, what was tried is evenly spaced.
"""

from collections.abc import Callable

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from neft.figures.style import MethodStyle, finish, line, method_style, require

RANKING_STYLES = {
    "curvature": MethodStyle("Second derivative", "#D55E00", "D", "-", 1.9),
    "magnitude": MethodStyle("Magnitude", "#0072B2", "o", "--"),
    "random": MethodStyle("At random", "#8A8A8A", "X", ":"),
}


def plot_recalibration(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy against the images that re-estimate BatchNorm, a line per method.

    Args:
        table: one sigma_d: method, images (0 for the trained statistics), accuracy, low, high
            (fractions).
    """
    ax = _accuracy(table, "images", "method", method_style, ax)
    return finish(ax, "Unlabelled images per chip", "Accuracy (%)")


def plot_write_verify(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy against the share of verified weights, a line per ranking.

    Args:
        table: one method and sigma_d: ranking, share, accuracy, low, high (fractions).
    """
    ax = _accuracy(table, "share", "ranking", RANKING_STYLES.__getitem__, ax, percent=True)
    return finish(ax, "Verified weights (%)", "Accuracy (%)")


def _accuracy(
    table: pd.DataFrame,
    effort: str,
    of: str,
    style: Callable[[str], MethodStyle],
    ax: Axes | None,
    *,
    percent: bool = False,
) -> Axes:
    """Draw a line for each value of a column, with the band of its interval."""
    require(table, [of, effort, "accuracy", "low", "high"], key=[of, effort], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    efforts = sorted(table[effort].unique())
    for name, rows in table.groupby(of, sort=False):
        rows, look = rows.sort_values(effort), style(name)
        x = [efforts.index(value) for value in rows[effort]]
        ax.fill_between(
            x, 100 * rows.low, 100 * rows.high, color=look.colour, alpha=0.15, linewidth=0
        )
        ax.plot(x, 100 * rows.accuracy, label=look.label, marker=look.marker, ms=4, **line(look))
    labels = [f"{100 * value if percent else value:g}" for value in efforts]
    ax.set_xticks(range(len(efforts)), labels)
    return ax
