"""Figures of ablations, from finished tables; nothing here computes.

Every ``plot_*`` draws on ``ax``, or on a new figure if it is None, and returns the axes. It raises
ValueError if the table is empty, lacks a column, or has two rows for one value or pair. Fractions
are drawn in percent.
"""

import re

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from neft.figures.style import method_style, require


def plot_setting(
    table: pd.DataFrame, quantity: str, *, reference: float, ax: Axes | None = None
) -> Axes:
    """Draw a quantity with its interval for each value of one setting, the first on top.

    The marker of the setting's own value is full. A value without a quantity, as the reference
    has no difference from itself, keeps its place.

    Args:
        table: section, value, default, low, high (fractions) and the quantity.
        quantity: its column, "accuracy" or "difference".
        reference: what a vertical line marks, a fraction.
    """
    require(table, ["section", "value", "default", "low", "high", quantity], key=["value"])
    ax = plt.subplots()[1] if ax is None else ax
    ax.axvline(100 * reference, color="0.4", linewidth=0.8, linestyle=":", zorder=1)
    for place, row in enumerate(table.itertuples()):
        style, middle = method_style(row.section), getattr(row, quantity)
        ends = [[100 * (middle - row.low)], [100 * (row.high - middle)]]
        face = style.colour if row.default else "white"
        look = dict(color=style.colour, mfc=face, fmt=style.marker, ms=4.5, elinewidth=0.9)
        ax.errorbar(100 * middle, place, xerr=ends, capsize=2, **look)
    # A submodule's last name says enough: features.conv1=6 becomes conv1=6.
    labels = [re.sub(r"[a-z]\w*\.", "", value) for value in table.value]
    ax.set_yticks(range(len(table)), labels)
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    return ax


def plot_matrix(table: pd.DataFrame, trained: str, tested: str, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy as a heat map, a row for what was trained for, a column for the chips'.

    A cell says its accuracy and below, in points, the difference from its column's framed cell
    (trained for what it is tested on) and that difference's interval.

    Args:
        table: the columns that `trained` and `tested` name, accuracy, difference, difference_low,
            difference_high (fractions).
        trained: column of the rows.
        tested: column of the columns.
    """
    columns = [trained, tested, "accuracy", "difference", "difference_low", "difference_high"]
    require(table, columns, key=columns[:2], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    order = list(table[tested].unique())
    text = [_cell(row, getattr(row, trained) == getattr(row, tested)) for row in table.itertuples()]
    drawn = table.assign(percent=100 * table.accuracy, text=text)
    percent, text = (
        drawn.pivot(index=trained, columns=tested, values=values).loc[order, order]
        for values in ("percent", "text")
    )
    look = dict(cmap="cividis", cbar=False, linewidths=0.5, annot_kws={"size": 6.5})
    sns.heatmap(percent, annot=text, fmt="", ax=ax, **look)
    for i in range(len(order)):
        ax.add_patch(Rectangle((i, i), 1, 1, fill=False, edgecolor="black", linewidth=1.6))
    ax.tick_params(axis="y", rotation=0)
    return ax


def _cell(row, own: bool) -> str:
    accuracy = f"{100 * row.accuracy:.1f}"
    if own:
        return accuracy
    bounds = [row.difference_low, row.difference_high]
    interval = "" if pd.isna(bounds).any() else "\n[{}, {}]".format(*map(_points, bounds))
    return f"{accuracy}\n{_points(row.difference)}{interval}"


def _points(fraction: float) -> str:
    return f"{100 * fraction:+.1f}".replace("-", "\N{MINUS SIGN}")
