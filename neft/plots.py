"""Figures of methods from finished tables; nothing here trains, samples or summarises.

Every ``plot_*`` draws on ``ax``, or on a new figure if it is None, and returns the axes. It raises
ValueError if the table is empty, lacks a column, has two rows where a line needs one, or holds an
accuracy outside [0, 1]. Fractions are drawn in percent.
"""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from neft.style import finish, line, method_style, require


def plot_accuracy_vs_sigma(
    table: pd.DataFrame, *, ax: Axes | None = None, marks: dict[str, float] | None = None
) -> Axes:
    """Draw accuracy against sigma_d: line of the mean, band of its interval, whiskers over chips.

    Args:
        table: method, sigma_d, accuracy, low, high (95 % interval of the mean over training
            seeds), p5, p95 (percentiles over chips); accuracies are fractions.
        marks: label -> sigma_d of dotted vertical lines, for example measured technologies.
    """
    columns = ["method", "sigma_d", "accuracy", "low", "high", "p5", "p95"]
    require(table, columns, key=["method", "sigma_d"], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    middle = (table.method.nunique() - 1) / 2
    for i, (method, rows) in enumerate(table.groupby("method", sort=False)):
        style, rows = method_style(method), rows.sort_values("sigma_d")
        x, percent = rows.sigma_d, 100 * rows[columns[2:]]
        ax.fill_between(x, percent.low, percent.high, color=style.colour, alpha=0.15, linewidth=0)
        whiskers = ax.vlines(x, percent.p5, percent.p95, color=style.colour, linewidth=0.7)
        # Dodge the whiskers in points, not data: lines and markers stay at the true sigma_d.
        dodge = ScaledTranslation((i - middle) * 1.5 / 72, 0, ax.get_figure().dpi_scale_trans)
        whiskers.set_transform(ax.transData + dodge)
        look = dict(marker=style.marker, ms=3 + 1.3 * style.linewidth, mec="white", mew=0.4)
        ax.plot(x, percent.accuracy, label=style.label, **look, **line(style))
    for label, sigma_d in (marks or {}).items():
        ax.axvline(sigma_d, color="0.25", linestyle=":", linewidth=0.8, zorder=1)
        look = dict(rotation=90, ha="right", va="bottom", fontsize=6, color="0.25")
        ax.text(sigma_d, 0.02, label, transform=ax.get_xaxis_transform(), **look)
    ax.set_ylim(max(ax.get_ylim()[0], -1), min(ax.get_ylim()[1], 101))
    return finish(ax, r"Device variation $\sigma_d$ (of full range)", "Accuracy (%)")


def plot_quantity_vs_sigma(
    table: pd.DataFrame, *, label: str, log: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw a quantity against sigma_d: line of the mean, band of its interval.

    Args:
        table: method, sigma_d, mean, low, high.
        label: of the vertical axis.
        log: draw that axis in powers of ten.
    """
    require(table, ["method", "sigma_d", "mean", "low", "high"], key=["method", "sigma_d"])
    ax = plt.subplots()[1] if ax is None else ax
    for method, rows in table.groupby("method", sort=False):
        style, rows = method_style(method), rows.sort_values("sigma_d")
        band = dict(color=style.colour, alpha=0.15, linewidth=0)
        low = rows.low.clip(lower=rows["mean"].min() / 10) if log else rows.low
        ax.fill_between(rows.sigma_d, low, rows.high, **band)
        look = dict(marker=style.marker, ms=3 + 1.3 * style.linewidth, mec="white", mew=0.4)
        ax.plot(rows.sigma_d, rows["mean"], label=style.label, **look, **line(style))
    if log:
        ax.set_yscale("log")
    sigmas = sorted(table.sigma_d.unique())
    ax.set_xticks(sigmas, [f"{sigma_d:g}" for sigma_d in sigmas])
    return finish(ax, r"Device variation $\sigma_d$", label)


def plot_convergence(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the share of converged runs with its interval, side by side for each sigma_d.

    Args:
        table: method, sigma_d, mean, low, high (fractions).
    """
    columns = ["method", "sigma_d", "mean", "low", "high"]
    require(table, columns, key=columns[:2], fraction="mean")
    ax = plt.subplots()[1] if ax is None else ax
    sigmas, methods = sorted(table.sigma_d.unique()), list(table.method.unique())
    step = 0.7 / len(methods)
    for i, method in enumerate(methods):
        style, rows = method_style(method), table[table.method == method]
        places = [sigmas.index(s) + step * (i - (len(methods) - 1) / 2) for s in rows.sigma_d]
        ends = [100 * (rows["mean"] - rows.low), 100 * (rows.high - rows["mean"])]
        look = dict(fmt=style.marker, color=style.colour, ms=4, elinewidth=0.9, capsize=2)
        ax.errorbar(places, 100 * rows["mean"], yerr=ends, label=style.label, **look)
    ax.set_xticks(range(len(sigmas)), [f"{sigma_d:g}" for sigma_d in sigmas])
    ax.grid(visible=False, axis="x")
    return finish(ax, r"Device variation $\sigma_d$", "Converged runs (%)")


def plot_chip_distribution(draws: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the accuracy of single chips per method: box of quartiles, whiskers at 5 and 95 %.

    Args:
        draws: method, accuracy (fraction); one row per seed and chip, all at one sigma_d.
    """
    require(draws, ["method", "accuracy"], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    for i, (method, rows) in enumerate(draws.groupby("method", sort=False)):
        style, values = method_style(method), 100 * rows.accuracy.sort_values()
        # Sideways places from the golden ratio, not from chance: equal tables, equal bytes.
        places = [i + 0.5 * (rank * 0.618034 % 1 - 0.5) for rank in range(len(values))]
        ax.scatter(places, values, s=5, color=style.colour, alpha=0.4, linewidth=0, zorder=2)
        edge, wide = dict(color=style.colour), dict(color=style.colour, linewidth=2)
        face = dict(facecolor=(style.colour, 0.15), edgecolor=style.colour)
        look = dict(boxprops=face, whiskerprops=edge, capprops=edge, medianprops=wide, widths=0.6)
        look |= dict(whis=(5, 95), showfliers=False, patch_artist=True, manage_ticks=False)
        ax.boxplot([values], positions=[i], **look)
    labels = [method_style(method).label for method in draws.method.unique()]
    ax.set_xticks(range(len(labels)), labels, rotation=30, ha="right", rotation_mode="anchor")
    ax.grid(visible=False, axis="x")
    ax.set(xlim=(-0.6, len(labels) - 0.4), ylabel="Accuracy of a chip (%)")
    return ax


def plot_history(history: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw validation accuracy against epoch, one thin line per training seed.

    Args:
        history: method, seed, epoch, validation_accuracy (fraction).
    """
    columns = ["method", "seed", "epoch", "validation_accuracy"]
    require(history, columns, key=columns[:3], fraction="validation_accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    for method, rows in history.groupby("method", sort=False):
        look = line(method_style(method)) | dict(linewidth=0.8, alpha=0.85)
        runs = rows.pivot(index="epoch", columns="seed", values="validation_accuracy")
        lines = ax.plot(runs.index, 100 * runs, **look)
        lines[0].set_label(method_style(method).label)  # the other seeds stay out of the legend
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return finish(ax, "Epoch", "Validation accuracy (%)")
