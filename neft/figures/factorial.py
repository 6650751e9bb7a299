"""Figures of factorial experiments: the accuracy of each combination, and the factors' effects."""

from collections.abc import Sequence
from itertools import product

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neft.figures.style import interval_rows, require


def plot_combinations(
    table: pd.DataFrame, rows: Sequence[str], columns: Sequence[str], *, ax: Axes | None = None
) -> Axes:
    """Draw accuracy as a heat map of the combinations of levels, one cell each.

    The cells of combinations that are not there stay blank.

    Args:
        table: accuracy (fractions) and the factors' columns.
        rows: factors whose levels make the rows, the first changing slowest.
        columns: factors whose levels make the columns.
    """
    factors = [*rows, *columns]
    require(table, [*factors, "accuracy"], key=factors, fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    down, across = (table[[*side]].agg(", ".join, axis=1) for side in (rows, columns))
    cells = table.assign(down=down, across=across, percent=100 * table.accuracy)
    drawn = cells.pivot(index="down", columns="across", values="percent")
    drawn = drawn.loc[_in_order(table[[*rows]]), _in_order(table[[*columns]])]
    look = dict(cmap="cividis", cbar=False, linewidths=0.5, vmin=0, vmax=100, fmt=".1f")
    sns.heatmap(drawn, annot=True, annot_kws={"size": 7}, ax=ax, **look)
    ax.set(xlabel=", ".join(columns), ylabel=", ".join(rows))
    ax.tick_params(axis="y", rotation=0)
    ax.grid(False)
    return ax


def _in_order(levels: pd.DataFrame) -> list[str]:
    """Name the combinations that are there, each factor's levels in order of appearance."""
    there = set(levels.itertuples(index=False, name=None))
    every = product(*(levels[factor].unique() for factor in levels))
    return [", ".join(each) for each in every if each in there]


def plot_effects(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw main effects and interactions with their intervals, the first at the top.

    Filled markers are main effects, open ones interactions.

    Args:
        table: factor, beside ("" for a main effect), effect, low, high (fractions).
    """
    require(table, ["factor", "beside", "effect", "low", "high"], key=["factor", "beside"])
    ax = plt.subplots()[1] if ax is None else ax
    blue = "#0072B2"
    looks = [dict(fmt="o", color=blue, mfc="white" if beside else blue) for beside in table.beside]
    names = [
        f"{row.factor} × {row.beside}" if row.beside else row.factor for row in table.itertuples()
    ]
    interval_rows(ax, table, "effect", names, looks)
    ax.set(xlabel="Effect on accuracy (points)")
    return ax
