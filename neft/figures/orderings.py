"""Figures that show a run beside the paper: curves side by side, and which orderings hold."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from neft.figures.style import marked_line, method_style, percent_limits, points, require

COLOURS = {
    "holds": "#b7dbc4",
    "reversed": "#f0b7a4",
    "no significant difference": "#e6e6e6",
    "one seed": "#ffffff",
}
"""Colour of a verdict; the sign of the cell's numbers tells them apart without it."""


def plot_published(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw published curves against sigma_d, which have neither intervals nor chips.

    Args:
        table: method, sigma_d, accuracy (fractions).
    """
    columns = ["method", "sigma_d", "accuracy"]
    require(table, columns, key=columns[:2], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    for method, rows in table.groupby("method", sort=False):
        style = method_style(method)
        ax.plot(rows.sigma_d, 100 * rows.accuracy, label=style.label, **marked_line(style))
    percent_limits(ax)
    ax.set(xlabel=r"Device variation $\sigma_d$ (of full range)")
    return ax


def plot_orderings(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw one cell per pair of methods and sigma_d: our difference, the published one below.

    Both are in points, of the first method over the second; the colour is the verdict. A pair that
    the paper does not order at a sigma_d has no cell.

    Args:
        table: method, against, sigma_d, published, difference (fractions), verdict.
    """
    columns = ["method", "against", "sigma_d", "published", "difference", "verdict"]
    require(table, columns, key=columns[:3])
    ax = plt.subplots()[1] if ax is None else ax
    pairs = list(table.groupby(columns[:2], sort=False).groups)
    sigmas = sorted(table.sigma_d.unique())
    for row in table.itertuples():
        x, y = sigmas.index(row.sigma_d), pairs.index((row.method, row.against))
        box = Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=COLOURS[row.verdict], edgecolor="white")
        ax.add_patch(box)
        said = f"{points(row.difference)}\n({points(row.published)})"
        ax.text(x, y, said, ha="center", va="center", fontsize=6)
    labels = [f"{method_style(m).label} over {method_style(a).label}" for m, a in pairs]
    ax.set_yticks(range(len(pairs)), labels)
    ax.set_xticks(range(len(sigmas)), [f"{sigma_d:g}" for sigma_d in sigmas])
    ax.set(xlim=(-0.5, len(sigmas) - 0.5), ylim=(len(pairs) - 0.5, -0.5))
    ax.set(xlabel=r"Device variation $\sigma_d$ (of full range)")
    ax.grid(visible=False)
    shown = [name for name in COLOURS if (table.verdict == name).any()]
    ax.legend(
        handles=[Patch(facecolor=COLOURS[name], edgecolor="0.8", label=name) for name in shown],
        loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=len(shown), frameon=False,
    )  # fmt: skip
    return ax
