"""Figures of devices, and of networks on them, from finished tables; nothing here computes.

Every ``plot_*`` draws on ``ax``, or on a new figure if it is None, and returns the axes. It raises
ValueError if the table is empty, lacks a column, has two rows where a line needs one, or holds an
accuracy outside [0, 1]. Fractions are drawn in percent.
"""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from neft.figures.style import MethodStyle, error_bars, finish, line, require, time_label

CONDUCTANCE = r"Conductance ($G\,/\,G_{\max}$)"
MAPPING_STYLES = {
    "weight": MethodStyle("One error a weight", "#000000", "s", "--"),
    "sign_bit": MethodStyle("Devices, sign bit", "#009E73", "^", "-"),
    "differential": MethodStyle("Devices, pair", "#CC79A7", "o", "-"),
}


def plot_spread(
    levels: pd.DataFrame,
    models: pd.DataFrame,
    *,
    bands: pd.DataFrame | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the measured spread of the error against conductance, with fitted models over it.

    Args:
        levels: one technology at one time: g in [0, 1]; std, std_error (fractions of G_max).
        models: long table of model, g, sigma (fraction of G_max); one line per model.
        bands: intervals of some of the models: model, g, low, high.
    """
    require(levels, ["g", "std", "std_error"], key=["g"])
    require(models, ["model", "g", "sigma"], key=["model", "g"])
    ax = plt.subplots()[1] if ax is None else ax
    look = dict(fmt="o", color="0.15", ms=3.5, elinewidth=0.8, capsize=1.5, zorder=4)
    ax.errorbar(levels.g, 100 * levels["std"], 100 * levels.std_error, label="Measured", **look)
    colours, lines = sns.color_palette("colorblind"), ["-", "--", "-.", ":"]
    for i, (model, rows) in enumerate(models.groupby("model", sort=False)):
        rows = rows.sort_values("g")
        look = dict(color=colours[i % len(colours)], linestyle=lines[i % len(lines)], linewidth=1.4)
        ax.plot(rows.g, 100 * rows.sigma, label=model, **look)
        if bands is not None:
            band = bands[bands.model == model].sort_values("g")
            look = dict(color=look["color"], alpha=0.2, linewidth=0)
            ax.fill_between(band.g, 100 * band.low, 100 * band.high, **look)
    ax.set_ylim(bottom=0)
    return finish(ax, CONDUCTANCE, r"Std. of error (% of $G_{\max}$)")


def plot_distances(table: pd.DataFrame, distance: str, *, ax: Axes | None = None) -> Axes:
    """Draw how far candidate models are from the held-out errors, level by level.

    A full marker is a level where the Kolmogorov-Smirnov test rejects the model at 1 %.

    Args:
        table: one technology at one time: candidate, g in [0, 1], ks, ks_p, ad.
        distance: "ks" or "ad", the Kolmogorov-Smirnov or Anderson-Darling distance.
    """
    require(table, ["candidate", "g", "ks", "ks_p", "ad"], key=["candidate", "g"])
    ax = plt.subplots()[1] if ax is None else ax
    colours, markers = sns.color_palette("colorblind"), "s^Do"
    for i, (candidate, rows) in enumerate(table.groupby("candidate", sort=False)):
        rows = rows.sort_values("g")
        look = dict(color=colours[i % len(colours)], marker=markers[i % len(markers)], ms=3)
        ax.plot(rows.g, rows[distance], label=candidate, linewidth=0.8, mfc="white", **look)
        rejected = rows[rows.ks_p < 0.01]
        ax.plot(rejected.g, rejected[distance], linestyle="", **look)
    ax.set_yscale("log")
    names = {"ks": "Kolmogorov-Smirnov", "ad": "Anderson-Darling"}
    return finish(ax, CONDUCTANCE, f"{names[distance]} distance")


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
        look = dict(color=colours[i], marker="osD^vPX"[i % 7], markersize=3, linewidth=1.2)
        ax.plot(rows.g, 100 * rows["mean"], label=time_label(time_s), **look)
    return finish(ax, CONDUCTANCE, r"Mean error (% of $G_{\max}$)", title="Time")


def plot_probit(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw quantiles of the error at one level against a standard normal's: points and lines.

    Args:
        table: model, z, error (fraction of G_max); the model "measured" becomes points.
    """
    require(table, ["model", "z", "error"], key=["model", "z"])
    ax = plt.subplots()[1] if ax is None else ax
    measured = table[table.model == "measured"]
    ax.plot(measured.z, 100 * measured.error, "o", color="0.15", ms=2.5, label="Measured", zorder=4)
    colours, lines = sns.color_palette("colorblind"), ["-", "--", "-.", ":"]
    others = table[table.model != "measured"].groupby("model", sort=False)
    for i, (model, rows) in enumerate(others):
        look = dict(color=colours[i % len(colours)], linestyle=lines[i % len(lines)], linewidth=1.2)
        ax.plot(rows.z, 100 * rows.error, label=model, **look)
    return finish(ax, "Standard normal quantile", r"Error (% of $G_{\max}$)")


def plot_weight_errors(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw a weight's error against its size per mapping: its spread, and thin, its percentiles.

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
    """Draw accuracy per preset, a marker per mapping with the interval of its mean.

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
    columns = ["stuck", "share", "accuracy", "low", "high"]
    require(table, columns, key=columns[:2], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    shares = sorted(table.share.unique())
    looks = {"low": ("#0072B2", "v", "-"), "high": ("#D55E00", "^", "--")}
    for stuck, rows in table.groupby("stuck", sort=False):
        rows, (colour, marker, line) = rows.sort_values("share"), looks[stuck]
        x = [shares.index(share) for share in rows.share]
        ax.fill_between(x, 100 * rows.low, 100 * rows.high, color=colour, alpha=0.15, linewidth=0)
        look = dict(color=colour, marker=marker, ms=4, linestyle=line)
        ax.plot(x, 100 * rows.accuracy, label=f"stuck {stuck}", **look)
    ax.set_xticks(range(len(shares)), [f"{100 * share:g}" for share in shares])
    return finish(ax, "Stuck devices (%)", "Accuracy (%)")


def plot_accuracy_vs_time(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy against time since the first read, a line per model with its interval's band.

    Args:
        table: model, time_s, accuracy, low, high (fractions).
    """
    columns = ["model", "time_s", "accuracy", "low", "high"]
    require(table, columns, key=columns[:2], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    colours, lines = sns.color_palette("colorblind"), ["-", "--", "-.", ":"]
    for i, (model, rows) in enumerate(table.groupby("model", sort=False)):
        rows = rows.sort_values("time_s")
        look = dict(color=colours[i % len(colours)], linestyle=lines[i % len(lines)])
        ax.fill_between(
            rows.time_s, 100 * rows.low, 100 * rows.high, color=look["color"], alpha=0.15
        )
        ax.plot(rows.time_s, 100 * rows.accuracy, marker="o", ms=3, label=model, **look)
    ax.set_xscale("log")
    return finish(ax, "Time since the first read (s)", "Accuracy (%)")
