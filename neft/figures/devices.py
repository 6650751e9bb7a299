"""Figures of devices, and of networks on them."""

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neft._utils.checks import one_of
from neft.figures.style import (
    MethodStyle,
    accuracy_lines,
    error_bars,
    finish,
    line,
    require,
    time_label,
)

CONDUCTANCE = r"Conductance ($G\,/\,G_{\max}$)"
MAPPING_STYLES = {
    "weight": MethodStyle("One error per weight", "#000000", "s", "--"),
    "sign_bit": MethodStyle("Per device, sign bit", "#009E73", "^", "-"),
    "differential": MethodStyle("Per device, pair", "#CC79A7", "o", "-"),
}
STUCK_LOOKS: dict[str, dict[str, Any]] = {
    "low": dict(label="stuck low", color="#0072B2", marker="v", linestyle="-"),
    "high": dict(label="stuck high", color="#D55E00", marker="^", linestyle="--"),
}
DISTANCES = {"ks": "Kolmogorov-Smirnov", "ad": "Anderson-Darling"}


def _model(i: int) -> dict[str, Any]:
    """Colour and line style of the i-th model of a table."""
    colours, lines = sns.color_palette("colorblind"), ["-", "--", "-.", ":"]
    return dict(color=colours[i % len(colours)], linestyle=lines[i % len(lines)])


def plot_spread(
    levels: pd.DataFrame,
    models: pd.DataFrame,
    *,
    bands: pd.DataFrame | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the measured standard deviation of the error against conductance, and fitted models.

    Args:
        levels: one technology at one time: g in [0, 1]; std, std_error (fractions of G_max).
        models: long table of model, g, sigma (fraction of G_max); one line per model.
        bands: intervals of some models: model, g, low, high.
    """
    require(levels, ["g", "std", "std_error"], key=["g"])
    require(models, ["model", "g", "sigma"], key=["model", "g"])
    ax = plt.subplots()[1] if ax is None else ax
    points: dict[str, Any] = dict(color="0.15", ms=3.5, elinewidth=0.8, capsize=1.5, zorder=4)
    percent = 100 * levels[["std", "std_error"]]
    ax.errorbar(levels.g, percent["std"], percent.std_error, fmt="o", label="Measured", **points)
    for i, (model, rows) in enumerate(models.groupby("model", sort=False)):
        rows, look = rows.sort_values("g"), _model(i)
        ax.plot(rows.g, 100 * rows.sigma, label=model, linewidth=1.4, **look)
        if bands is not None:
            band = bands[bands.model == model].sort_values("g")
            low, high, colour = 100 * band.low, 100 * band.high, look["color"]
            ax.fill_between(band.g, low, high, color=colour, alpha=0.2, linewidth=0)
    ax.set_ylim(bottom=0)
    return finish(ax, CONDUCTANCE, r"Std. of error (% of $G_{\max}$)")


def plot_distances(table: pd.DataFrame, distance: str, *, ax: Axes | None = None) -> Axes:
    """Draw the distance between candidate models and held-out errors at each level.

    A filled marker is a level where the Kolmogorov-Smirnov test rejects the model at 1 %.

    Args:
        table: one technology at one time: candidate, g in [0, 1], ks, ks_p, ad.
        distance: "ks" or "ad", the Kolmogorov-Smirnov or Anderson-Darling distance.
    """
    one_of(DISTANCES, distance=distance)
    require(table, ["candidate", "g", "ks", "ks_p", "ad"], key=["candidate", "g"])
    ax = plt.subplots()[1] if ax is None else ax
    colours, markers = sns.color_palette("colorblind"), "s^Do"
    for i, (candidate, rows) in enumerate(table.groupby("candidate", sort=False)):
        rows = rows.sort_values("g")
        look: dict[str, Any] = dict(color=colours[i % len(colours)], marker=markers[i % 4], ms=3)
        ax.plot(rows.g, rows[distance], label=candidate, linewidth=0.8, mfc="white", **look)
        rejected = rows[rows.ks_p < 0.01]
        ax.plot(rejected.g, rejected[distance], linestyle="", **look)
    ax.set_yscale("log")
    return finish(ax, CONDUCTANCE, f"{DISTANCES[distance]} distance")


def plot_drift(levels: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the mean error against conductance, one line per time, later times darker.

    Args:
        levels: one technology at all times: time_s, g in [0, 1], mean (fraction of G_max).
    """
    require(levels, ["time_s", "g", "mean"], key=["time_s", "g"])
    ax = plt.subplots()[1] if ax is None else ax
    ax.axhline(0, color="0.4", linewidth=0.7, zorder=1)
    colours = sns.color_palette("viridis_r", levels.time_s.nunique())
    for i, (time_s, rows) in enumerate(levels.sort_values("g").groupby("time_s")):
        look: dict[str, Any] = dict(color=colours[i], marker="osD^vPX"[i % 7], ms=3, linewidth=1.2)
        ax.plot(rows.g, 100 * rows["mean"], label=time_label(time_s), **look)
    return finish(ax, CONDUCTANCE, r"Mean error (% of $G_{\max}$)", title="Time")


def plot_probit(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw quantiles of the error at one level against those of a standard normal distribution.

    Args:
        table: model, z, error (fraction of G_max); "measured" is drawn as points, models as lines.
    """
    require(table, ["model", "z", "error"], key=["model", "z"])
    ax = plt.subplots()[1] if ax is None else ax
    measured = table[table.model == "measured"]
    ax.plot(measured.z, 100 * measured.error, "o", color="0.15", ms=2.5, label="Measured", zorder=4)
    models = table[table.model != "measured"].groupby("model", sort=False)
    for i, (model, rows) in enumerate(models):
        ax.plot(rows.z, 100 * rows.error, label=model, linewidth=1.2, **_model(i))
    return finish(ax, "Standard normal quantile", r"Error (% of $G_{\max}$)")


def plot_weight_errors(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw a weight's error against its size per mapping: standard deviation, percentiles (thin).

    Args:
        table: one preset: mapping, u (|w| / max|W|), std, low, high (fractions of max|W|).
    """
    require(table, ["mapping", "u", "std", "low", "high"], key=["mapping", "u"])
    ax = plt.subplots()[1] if ax is None else ax
    for mapping, rows in table.groupby("mapping", sort=False):
        look = line(MAPPING_STYLES[mapping])
        ax.plot(rows.u, 100 * rows["std"], label=MAPPING_STYLES[mapping].label, **look)
        for end in ("low", "high"):
            ax.plot(rows.u, 100 * rows[end], **look | dict(linewidth=0.5))
    return finish(ax, r"Weight ($|w|\,/\,\max|W|$)", r"Error (% of $\max|W|$)")


def plot_mapping_accuracy(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy per preset: one marker per mapping, with the interval of the mean.

    Args:
        table: one sigma_d: preset, mapping, accuracy, low, high (fractions).
    """
    columns = ["preset", "mapping", "accuracy", "low", "high"]
    require(table, columns, key=columns[:2], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    presets, mappings = list(table.preset.unique()), list(table.mapping.unique())
    for i, mapping in enumerate(mappings):
        style, rows = MAPPING_STYLES[mapping], table[table.mapping == mapping]
        places = [presets.index(preset) + 0.2 * (i - 1) for preset in rows.preset]
        error_bars(ax, places, rows, "accuracy", style)
    ax.set_xticks(range(len(presets)), presets, rotation=30, ha="right", rotation_mode="anchor")
    ax.grid(visible=False, axis="x")
    return finish(ax, "", "Accuracy (%)")


def plot_stuck(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy against the share of stuck devices, evenly spaced, a line per stuck level.

    Args:
        table: one sigma_d: stuck ("low" or "high"), share, accuracy, low, high (fractions).
    """
    ax = accuracy_lines(table, "share", "stuck", STUCK_LOOKS.__getitem__, ax, percent=True)
    return finish(ax, "Stuck devices (%)", "Accuracy (%)")


def plot_accuracy_vs_time(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy against time since the first read: one line per model, with its interval.

    Args:
        table: model, time_s, accuracy, low, high (fractions).
    """
    columns = ["model", "time_s", "accuracy", "low", "high"]
    require(table, columns, key=columns[:2], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    for i, (model, rows) in enumerate(table.groupby("model", sort=False)):
        rows, look = rows.sort_values("time_s"), _model(i)
        low, high = 100 * rows.low, 100 * rows.high
        ax.fill_between(rows.time_s, low, high, color=look["color"], alpha=0.15)
        ax.plot(rows.time_s, 100 * rows.accuracy, marker="o", ms=3, label=model, **look)
    ax.set_xscale("log")
    return finish(ax, "Time since the first read (s)", "Accuracy (%)")
