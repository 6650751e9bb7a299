"""Figures of ablations: the effect of one setting, and networks tested on other conditions."""

import re
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from neft.figures.style import interval_rows, method_style, points, require


def plot_setting(
    table: pd.DataFrame, quantity: str, *, reference: float, ax: Axes | None = None
) -> Axes:
    """Draw a quantity with its interval for each value of one setting, the first at the top.

    The default value has a filled marker. A value without a number, such as the reference's
    difference from itself, keeps its place.

    Args:
        table: section, value, default, low, high (fractions) and the quantity.
        quantity: its column, "accuracy" or "difference".
        reference: position of a vertical line, a fraction.
    """
    require(table, ["section", "value", "default", "low", "high", quantity], key=["value"])
    ax = plt.subplots()[1] if ax is None else ax
    looks = []
    for row in table.itertuples():
        style = method_style(row.section)
        face = style.colour if row.default else "white"
        looks.append(dict(fmt=style.marker, color=style.colour, mfc=face))
    # The last part of a submodule's name is enough: features.conv1=6 becomes conv1=6.
    labels = [re.sub(r"[a-z]\w*\.", "", value) for value in table.value]
    interval_rows(ax, table, quantity, labels, looks, reference=reference)
    return ax


def plot_matrix(table: pd.DataFrame, trained: str, tested: str, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy as a heat map: one row per training condition, one column per test condition.

    A cell shows its accuracy and, in points, the difference from the framed cell of its column
    (trained for the tested condition) with the interval of that difference.

    Args:
        table: the columns `trained` and `tested`, accuracy, difference, difference_low,
            difference_high (fractions).
        trained: name of the column with the training condition.
        tested: name of the column with the test condition.
    """
    columns = [trained, tested, "accuracy", "difference", "difference_low", "difference_high"]
    require(table, columns, key=columns[:2], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    order = list(table[tested].unique())
    text = [_cell(row, getattr(row, trained) == getattr(row, tested)) for row in table.itertuples()]
    drawn = table.assign(percent=100 * table.accuracy, text=text)
    cells = drawn.pivot(index=trained, columns=tested)
    percent, text = (cells[values].loc[order, order] for values in ("percent", "text"))
    look: dict[str, Any] = dict(cmap="cividis", cbar=False, linewidths=0.5, annot_kws={"size": 6.5})
    sns.heatmap(percent, annot=text, fmt="", ax=ax, **look)
    for i in range(len(order)):
        ax.add_patch(Rectangle((i, i), 1, 1, fill=False, edgecolor="black", linewidth=1.6))
    ax.tick_params(axis="y", rotation=0)
    return ax


def _cell(row: Any, own: bool) -> str:
    accuracy = f"{100 * row.accuracy:.1f}"
    if own:
        return accuracy
    bounds = [row.difference_low, row.difference_high]
    interval = "" if pd.isna(bounds).any() else "\n[{}, {}]".format(*map(points, bounds))
    return f"{accuracy}\n{points(row.difference)}{interval}"
