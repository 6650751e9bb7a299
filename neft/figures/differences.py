"""Figure of every method beside one: who is above it, who below, and who is level with it."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from neft.figures.style import interval_rows, method_style, require, within


def plot_differences(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw differences from one method with their intervals, the highest at the top.

    A marker is filled where the interval leaves out 0.

    Args:
        table: one sigma_d: method, against (one and the same), difference, low, high (fractions).
    """
    require(table, ["method", "against", "difference", "low", "high"], key=["method"])
    ax = plt.subplots()[1] if ax is None else ax
    rows = table.sort_values("difference", ascending=False, kind="stable")
    styles = [method_style(method) for method in rows.method]
    outside = (rows.low > 0) | (rows.high < 0)
    looks = [
        dict(fmt=style.marker, color=style.colour, mfc=style.colour if filled else "white")
        for style, filled in zip(styles, outside, strict=True)
    ]
    interval_rows(ax, rows, "difference", [style.label for style in styles], looks)
    other = within(method_style(table.against.iloc[0]).label)
    ax.set_xlabel(f"Difference from {other} (points)")
    return ax
