"""Figures of a search: its course, and the score against each setting."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from neft.figures.style import finish, require


def plot_search(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the score of each proposal, and the best so far.

    Args:
        table: score (a fraction; NaN for failed proposals), one row for each proposal in its order.
    """
    require(table, ["score"])
    ax = plt.subplots()[1] if ax is None else ax
    place, percent = np.arange(1, len(table) + 1), 100 * table.score
    ax.plot(place, percent, "o", ms=3, color="0.55", label="proposals")
    ax.step(place, percent.cummax().ffill(), where="post", color="#0072B2", label="best so far")
    return finish(ax, "Proposal", "Validation accuracy (%)")


def plot_search_setting(
    table: pd.DataFrame, setting: str, *, log: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw the scores against one setting, later proposals darker.

    Args:
        table: score (a fraction) and the setting's column, in the order of the proposals.
        setting: column.
        log: draw its axis with equal ratios.
    """
    require(table, [setting, "score"])
    ax = plt.subplots()[1] if ax is None else ax
    ax.scatter(
        table[setting], 100 * table.score, c=np.arange(len(table)), cmap="Blues",
        vmin=-len(table) / 2, s=12,
    )  # fmt: skip
    if log:
        ax.set_xscale("log")
    ax.set(xlabel=setting, ylabel="Validation accuracy (%)")
    return ax
