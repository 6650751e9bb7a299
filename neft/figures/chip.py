"""Figure of a chip's parts: what accuracy is left with each of them."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from neft.figures.style import error_bars, finish, method_style, require


def plot_parts(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy with each part of a chip: one line per method, with the interval of the mean.

    Filled markers, joined by a line, have the part on top of all parts to their left; open ones
    have it alone.

    Args:
        table: method, series ("added" or "alone"), part, accuracy, low, high (fractions). The first
            part is the devices without any other, and is drawn once.
    """
    columns = ["method", "series", "part", "accuracy", "low", "high"]
    require(table, columns, key=columns[:3], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    parts, methods = list(table.part.unique()), list(table.method.unique())
    step = 0.7 / (2 * len(methods))
    for i, (method, rows) in enumerate(table.groupby("method", sort=False)):
        style = method_style(method)
        added = rows[rows.series == "added"]
        alone = rows[(rows.series == "alone") & (rows.part != parts[0])]
        first = step * (2 * i - len(methods) + 0.5)
        look = dict(linestyle=style.linestyle, linewidth=0.8)
        places = [parts.index(part) + first for part in added.part]
        error_bars(ax, places, added, "accuracy", style, **look)
        places = [parts.index(part) + first + step for part in alone.part]
        error_bars(ax, places, alone, "accuracy", style, mfc="white", label="_alone")
    names = [part.replace("_", " ") for part in parts]
    labels = [names[0], *(f"+ {name}" for name in names[1:])]
    ax.set_xticks(range(len(parts)), labels, rotation=30, ha="right", rotation_mode="anchor")
    ax.grid(visible=False, axis="x")
    finish(ax, "", "Accuracy (%)")
    ax.legend(  # above: the bars fill the axes
        title="open: the part alone", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2,
        frameon=False, handlelength=2.6,
    )  # fmt: skip
    return ax
