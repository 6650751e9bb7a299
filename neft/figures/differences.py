"""Figure of every method beside one: who is above it, who below, and who is level with it."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neft.figures.style import method_style, require, within


def plot_differences(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw differences from one method with their intervals, the highest at the top.

    A marker is filled where the interval leaves out 0.

    Args:
        table: one sigma_d: method, against (one and the same), difference, low, high (fractions).
    """
    require(table, ["method", "against", "difference", "low", "high"], key=["method"])
    ax = plt.subplots()[1] if ax is None else ax
    ax.axvline(0, color="0.4", linewidth=0.8, linestyle=":", zorder=1)
    rows = table.sort_values("difference", ascending=False, kind="stable")
    for place, row in enumerate(rows.itertuples()):
        style = method_style(row.method)
        outside = row.low > 0 or row.high < 0
        ends = 100 * np.array([[row.difference - row.low], [row.high - row.difference]])
        ax.errorbar(
            100 * row.difference, place, xerr=ends, fmt=style.marker, ms=4.5, elinewidth=0.9,
            capsize=2, color=style.colour, mfc=style.colour if outside else "white",
        )  # fmt: skip
    ax.set_yticks(range(len(rows)), [method_style(method).label for method in rows.method])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    other = within(method_style(table.against.iloc[0]).label)
    ax.set_xlabel(f"Difference from {other} (points)")
    ax.grid(visible=False, axis="y")
    return ax
