"""Figures of methods: accuracy, uncertainty, single chips and training."""

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator
from matplotlib.transforms import ScaledTranslation

from neft._utils.checks import one_of
from neft.figures.style import (
    accuracy_lines,
    band,
    error_bars,
    finish,
    labelled_line,
    line,
    marked_line,
    method_style,
    percent_limits,
    require,
)


def plot_accuracy_vs_sigma(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    marks: dict[str, float] | None = None,
) -> Axes:
    """Draw accuracy against sigma_d: line of the mean, band of its interval, whiskers over chips.

    Args:
        table: method, sigma_d, accuracy, low, high (95 % interval of the mean), p5, p95
            (percentiles over chips); accuracies are fractions.
        marks: label -> sigma_d of dotted vertical lines, for example measured technologies.
    """
    columns = ["method", "sigma_d", "accuracy", "low", "high", "p5", "p95"]
    require(table, columns, key=["method", "sigma_d"], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    middle = (table.method.nunique() - 1) / 2
    for i, (method, rows) in enumerate(table.groupby("method", sort=False)):
        style, rows = method_style(method), rows.sort_values("sigma_d")
        x, percent = rows.sigma_d, 100 * rows[columns[2:]]
        band(ax, x, percent.low, percent.high, style.colour)
        whiskers = ax.vlines(x, percent.p5, percent.p95, color=style.colour, linewidth=0.7)
        # Shift the whiskers in points, not data: lines and markers stay at the true sigma_d.
        dodge = ScaledTranslation((i - middle) * 1.5 / 72, 0, ax.figure.dpi_scale_trans)
        whiskers.set_transform(ax.transData + dodge)
        ax.plot(x, percent.accuracy, label=style.label, **marked_line(style))
    for label, sigma_d in (marks or {}).items():
        ax.axvline(sigma_d, color="0.25", linestyle=":", linewidth=0.8, zorder=1)
        look: dict[str, Any] = dict(rotation=90, ha="right", va="bottom", fontsize=6, color="0.25")
        look |= dict(xycoords=ax.get_xaxis_transform(), textcoords="offset points")
        ax.annotate(label, (sigma_d, 0.02), (-1.5, 0), **look)
    percent_limits(ax)
    xlabel = r"Device variation $\sigma_d$ (of full range)"
    return finish(ax, xlabel, "Accuracy (%)", loc="lower center")


def plot_accuracy_vs_setting(table: pd.DataFrame, setting: str, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy against evenly spaced values of a setting, a line and its band per method.

    Args:
        table: method, value, accuracy, low, high (fractions).
        setting: label of the horizontal axis.
    """
    ax = accuracy_lines(
        table, "value", "method", lambda name: labelled_line(method_style(name)), ax
    )
    return finish(ax, setting.replace("_", " "), "Accuracy (%)")


def plot_quantity_vs_sigma(
    table: pd.DataFrame, *, label: str, log: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw a quantity against sigma_d: line of the mean, band of its interval.

    Args:
        table: method, sigma_d, mean, low, high.
        label: label of the vertical axis.
        log: make that axis logarithmic.
    """
    require(table, ["method", "sigma_d", "mean", "low", "high"], key=["method", "sigma_d"])
    ax = plt.subplots()[1] if ax is None else ax
    for method, rows in table.groupby("method", sort=False):
        style, rows = method_style(method), rows.sort_values("sigma_d")
        low = rows.low.clip(lower=rows["mean"].min() / 10) if log else rows.low
        band(ax, rows.sigma_d, low, rows.high, style.colour)
        ax.plot(rows.sigma_d, rows["mean"], label=style.label, **marked_line(style))
    if log:
        ax.set_yscale("log")
        ax.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("{x:g}")
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
        error_bars(ax, places, rows, "mean", style)
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
        # Horizontal jitter by the golden ratio, not at random: equal tables give equal bytes.
        places = [i + 0.5 * (rank * 0.618034 % 1 - 0.5) for rank in range(len(values))]
        ax.scatter(places, values, s=5, color=style.colour, alpha=0.4, linewidth=0, zorder=2)
        edge, wide = dict(color=style.colour), dict(color=style.colour, linewidth=2)
        face = dict(facecolor=("white", 0.75), edgecolor=style.colour)
        look: dict[str, Any] = dict(boxprops=face, whiskerprops=edge, capprops=edge)
        look |= dict(medianprops=wide, widths=0.6, whis=(5, 95), showfliers=False)
        look |= dict(patch_artist=True, manage_ticks=False)
        ax.boxplot([values], positions=[i], **look)
    labels = [method_style(method).label for method in draws.method.unique()]
    ax.set_xticks(range(len(labels)), labels, rotation=30, ha="right", rotation_mode="anchor")
    ax.grid(visible=False, axis="x")
    ax.set(xlim=(-0.6, len(labels) - 0.4), ylabel="Accuracy per chip (%)")
    return ax


def plot_chip_ecdf(
    draws: pd.DataFrame, percentiles: pd.DataFrame, *, ax: Axes | None = None
) -> Axes:
    """Draw the share of chips at or below an accuracy, per method, and mark its percentiles.

    Args:
        draws: method, accuracy (fraction); one row per seed and chip, all at one sigma_d.
        percentiles: method, p1, p5 (fractions); one row per method.
    """
    require(draws, ["method", "accuracy"], fraction="accuracy")
    require(percentiles, ["method", "p1", "p5"], key=["method"], fraction="p5")
    ax = plt.subplots()[1] if ax is None else ax
    marks = percentiles.set_index("method")
    for method, rows in draws.groupby("method", sort=False):
        style = method_style(method)
        sns.ecdfplot(x=100 * rows.accuracy, stat="percent", ax=ax, **line(style))
        percent = 100 * marks.loc[method, ["p1", "p5"]]
        ax.plot(percent, (1, 5), **marked_line(style) | dict(linestyle=""))
        ax.plot([], [], label=style.label, **marked_line(style))
    ticks = [0.1, 1, 5, 10, 50, 100]
    ax.set_yscale("log")
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(0.1, 120)
    for percent in (1, 5):
        ax.axhline(percent, color="0.25", linestyle=":", linewidth=0.8, zorder=1)
    return finish(ax, "Accuracy per chip (%)", "Chips with at most this accuracy (%)")


def plot_history(
    history: pd.DataFrame, quantity: str = "validation_accuracy", *, ax: Axes | None = None
) -> Axes:
    """Draw a quantity of training against epoch, one thin line per training seed.

    Args:
        history: method, seed, epoch, and the quantity.
        quantity: "validation_accuracy" (fraction) or "train_loss".
    """
    labels = {"validation_accuracy": "Validation accuracy (%)", "train_loss": "Training loss"}
    one_of(labels, quantity=quantity)
    columns, unit = ["method", "seed", "epoch", quantity], 1 if quantity == "train_loss" else 100
    require(history, columns, key=columns[:3], fraction=quantity if unit == 100 else None)
    ax = plt.subplots()[1] if ax is None else ax
    for method, rows in history.groupby("method", sort=False):
        look = line(method_style(method)) | dict(linewidth=0.8, alpha=0.85)
        runs = rows.pivot(index="epoch", columns="seed", values=quantity)
        lines = ax.plot(runs.index, unit * runs, **look)
        lines[0].set_label(method_style(method).label)  # the other seeds stay out of the legend
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return finish(ax, "Epoch", labels[quantity])


def plot_class_probabilities(
    table: pd.DataFrame, *, classes: int = 10, ax: Axes | None = None
) -> Axes:
    """Draw the class probabilities of one image over chips, side by side for each method.

    Markers are means over chips, thick bars span the quartiles, thin bars the 5th to the 95th
    percentile. The true class has a grey background.

    Args:
        table: method, label, class, mean, p5, p25, p75, p95 (fractions).
        classes: number of classes shown, the likeliest by the mean of all methods.
    """
    columns = ["method", "label", "class", "mean", "p5", "p25", "p75", "p95"]
    require(table, columns, key=["method", "class"], fraction="mean")
    ax = plt.subplots()[1] if ax is None else ax
    likeliest = table.groupby("class")["mean"].mean().sort_values(kind="stable").index[-classes:]
    shown, methods = sorted(likeliest), list(table.method.unique())
    step = 0.8 / len(methods)
    for i, method in enumerate(methods):
        style = method_style(method)
        rows = table[table.method == method].set_index("class").loc[shown]
        places = [place + step * (i - (len(methods) - 1) / 2) for place in range(len(shown))]
        ax.vlines(places, 100 * rows.p5, 100 * rows.p95, color=style.colour, linewidth=0.6)
        ax.vlines(places, 100 * rows.p25, 100 * rows.p75, color=style.colour, linewidth=1.8)
        look: dict[str, Any] = dict(marker=style.marker, ms=3, mec="white", mew=0.3, linestyle="")
        ax.plot(places, 100 * rows["mean"], color=style.colour, label=style.label, **look)
    true = table.label.iloc[0]
    if true in shown:
        middle = shown.index(true)
        ax.axvspan(middle - 0.5, middle + 0.5, color="0.9", linewidth=0, zorder=0)
    ax.set_xticks(range(len(shown)), shown)
    ax.grid(visible=False, axis="x")
    ax.set(xlim=(-0.5, len(shown) - 0.5), ylim=(-3, 103))
    return finish(ax, "Class", "Probability (%)")
