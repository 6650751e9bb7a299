"""Figures from finished tables; nothing here trains, samples or summarises.

Every ``plot_*`` draws on ``ax``, or on a new figure if it is None, and returns the axes. It raises
ValueError if the table is empty, lacks a column, has two rows where a line needs one, or holds an
accuracy outside [0, 1]. Fractions are drawn in percent. A method keeps its label, colour, marker
and line style in every figure; markers and line styles differ, so that grey print can be read.
"""

import zlib
from collections import namedtuple
from io import BytesIO
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from neft.files import atomic_path

# Text becomes outlines ("path") of the font that ships with matplotlib, so that no viewer's font
# changes the figure. The salt fixes the ids that would otherwise be random in every file.
SVG_RC = {"svg.fonttype": "path", "svg.hashsalt": "neft"}
CONDUCTANCE = r"Conductance ($G\,/\,G_{\max}$)"
# The Okabe-Ito palette, safe for colour-blind readers; OVF and IRS get its strongest contrast.
MethodStyle = namedtuple("MethodStyle", "label colour marker linestyle linewidth", defaults=[1.1])
METHOD_STYLES = {
    "noise_free": MethodStyle("Noise-free", "#8A8A8A", "X", ":"),
    "noise_injection": MethodStyle("Noise injection", "#000000", "s", "--"),
    "scaled_logits": MethodStyle("Scaled logits", "#009E73", "^", "-."),
    "correctnet": MethodStyle("CorrectNet", "#CC79A7", "v", (0, (5, 1))),
    "right_censored": MethodStyle("Right-censored", "#E69F00", "P", (0, (3, 1, 1, 1))),
    "clipped": MethodStyle("Clipped", "#56B4E9", "p", (0, (1, 1))),
    "ovf": MethodStyle("OVF", "#D55E00", "D", "-", 1.9),
    "irs": MethodStyle("IRS", "#0072B2", "o", "-", 1.9),
}
MAPPING_STYLES = {
    "weight": MethodStyle("One error a weight", "#000000", "s", "--"),
    "sign_bit": MethodStyle("Devices, sign bit", "#009E73", "^", "-"),
    "differential": MethodStyle("Devices, pair", "#CC79A7", "o", "-"),
}
METHOD_COLOURS = {name: style.colour for name, style in METHOD_STYLES.items()}
OTHER_COLOURS = ["#882255", "#999933", "#332288", "#44AA99", "#8C510A"]
OTHER_STYLES = (OTHER_COLOURS, "h<>*d8H", ["--", "-.", ":"])


def method_style(method: str) -> MethodStyle:
    """Style of a method; one that is not built in gets a style that depends on its name alone.

    >>> [method_style(method).label for method in ("ovf", "ovf_clipped", "my_method")]
    ['OVF', 'OVF, clipped', 'my method']
    """
    if method in METHOD_STYLES:
        return METHOD_STYLES[method]
    label = method.replace("_", " ")
    for name, style in METHOD_STYLES.items():
        if method.startswith(f"{name}_"):
            label = f"{style.label}, {method.removeprefix(f'{name}_').replace('_', ' ')}"
    code = zlib.crc32(method.encode())  # hash() would differ from one process to the next
    fallback = [choices[code % len(choices)] for choices in OTHER_STYLES]
    return MethodStyle(label, *fallback)


def use_style() -> None:
    """Set one style for all figures: one column of a two-column paper, text of 7 to 8 points."""
    small = ["xtick.labelsize", "ytick.labelsize", "legend.fontsize", "legend.title_fontsize"]
    rc = dict.fromkeys(["font.size", "axes.labelsize", "axes.titlesize"], 8)
    rc |= dict.fromkeys(small, 7) | SVG_RC
    rc |= {"font.sans-serif": ["DejaVu Sans"]}  # ships with matplotlib: no system font decides
    rc |= {"figure.figsize": (3.5, 2.7), "figure.dpi": 150, "savefig.dpi": 300}
    rc |= {"figure.constrained_layout.use": True, "axes.edgecolor": "0.3", "grid.color": "0.88"}
    sns.set_theme(context="paper", style="whitegrid", palette="colorblind", rc=rc)


def save_svg(figure: plt.Figure, path: str | Path) -> None:
    """Write a figure as SVG: whole or not at all, and byte-equal when its numbers are equal.

    Args:
        figure: the finished figure.
        path: the file; missing parent folders are made.
    """
    buffer = BytesIO()
    for ax in figure.axes:  # a layout starts from the last one: undo what earlier draws moved
        if ax.get_in_layout() and ax.get_subplotspec():
            ax.set_subplotspec(ax.get_subplotspec())
    with matplotlib.rc_context(SVG_RC):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    with atomic_path(path) as partial:
        partial.write_bytes(buffer.getvalue())


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
    _require(levels, ["g", "std", "std_error"], key=["g"])
    _require(models, ["model", "g", "sigma"], key=["model", "g"])
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
    return _finish(ax, CONDUCTANCE, r"Std. of error (% of $G_{\max}$)")


def plot_distances(table: pd.DataFrame, distance: str, *, ax: Axes | None = None) -> Axes:
    """Draw how far candidate models are from the held-out errors, level by level.

    A full marker is a level where the Kolmogorov-Smirnov test rejects the model at 1 %.

    Args:
        table: one technology at one time: candidate, g in [0, 1], ks, ks_p, ad.
        distance: "ks" or "ad", the Kolmogorov-Smirnov or Anderson-Darling distance.
    """
    _require(table, ["candidate", "g", "ks", "ks_p", "ad"], key=["candidate", "g"])
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
    return _finish(ax, CONDUCTANCE, f"{names[distance]} distance")


def plot_drift(levels: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the mean error against conductance, one line per time, later times darker.

    Args:
        levels: one technology at all times: time_s, g in [0, 1], mean (fraction of G_max).
    """
    _require(levels, ["time_s", "g", "mean"], key=["time_s", "g"])
    ax = plt.subplots()[1] if ax is None else ax
    ax.axhline(0, color="0.4", linewidth=0.7, zorder=1)
    colours = sns.color_palette("viridis_r", levels.time_s.nunique())
    for i, (time_s, rows) in enumerate(levels.sort_values("g").groupby("time_s")):
        look = dict(color=colours[i], marker="osD^vPX"[i % 7], markersize=3, linewidth=1.2)
        ax.plot(rows.g, 100 * rows["mean"], label=_time_label(time_s), **look)
    return _finish(ax, CONDUCTANCE, r"Mean error (% of $G_{\max}$)", title="Time")


def plot_probit(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw quantiles of the error at one level against a standard normal's: points and lines.

    Args:
        table: model, z, error (fraction of G_max); the model "measured" becomes points.
    """
    _require(table, ["model", "z", "error"], key=["model", "z"])
    ax = plt.subplots()[1] if ax is None else ax
    measured = table[table.model == "measured"]
    ax.plot(measured.z, 100 * measured.error, "o", color="0.15", ms=2.5, label="Measured", zorder=4)
    colours, lines = sns.color_palette("colorblind"), ["-", "--", "-.", ":"]
    others = table[table.model != "measured"].groupby("model", sort=False)
    for i, (model, rows) in enumerate(others):
        look = dict(color=colours[i % len(colours)], linestyle=lines[i % len(lines)], linewidth=1.2)
        ax.plot(rows.z, 100 * rows.error, label=model, **look)
    return _finish(ax, "Standard normal quantile", r"Error (% of $G_{\max}$)")


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
    _require(table, columns, key=["method", "sigma_d"], fraction="accuracy")
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
        ax.plot(x, percent.accuracy, label=style.label, **look, **_line(style))
    for label, sigma_d in (marks or {}).items():
        ax.axvline(sigma_d, color="0.25", linestyle=":", linewidth=0.8, zorder=1)
        look = dict(rotation=90, ha="right", va="bottom", fontsize=6, color="0.25")
        ax.text(sigma_d, 0.02, label, transform=ax.get_xaxis_transform(), **look)
    ax.set_ylim(max(ax.get_ylim()[0], -1), min(ax.get_ylim()[1], 101))
    return _finish(ax, r"Device variation $\sigma_d$ (of full range)", "Accuracy (%)")


def plot_quantity_vs_sigma(
    table: pd.DataFrame, *, label: str, log: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw a quantity against sigma_d: line of the mean, band of its interval.

    Args:
        table: method, sigma_d, mean, low, high.
        label: of the vertical axis.
        log: draw that axis in powers of ten.
    """
    _require(table, ["method", "sigma_d", "mean", "low", "high"], key=["method", "sigma_d"])
    ax = plt.subplots()[1] if ax is None else ax
    for method, rows in table.groupby("method", sort=False):
        style, rows = method_style(method), rows.sort_values("sigma_d")
        band = dict(color=style.colour, alpha=0.15, linewidth=0)
        low = rows.low.clip(lower=rows["mean"].min() / 10) if log else rows.low
        ax.fill_between(rows.sigma_d, low, rows.high, **band)
        look = dict(marker=style.marker, ms=3 + 1.3 * style.linewidth, mec="white", mew=0.4)
        ax.plot(rows.sigma_d, rows["mean"], label=style.label, **look, **_line(style))
    if log:
        ax.set_yscale("log")
    return _finish(ax, r"Device variation $\sigma_d$", label)


def plot_chip_distribution(draws: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the accuracy of single chips per method: box of quartiles, whiskers at 5 and 95 %.

    Args:
        draws: method, accuracy (fraction); one row per seed and chip, all at one sigma_d.
    """
    _require(draws, ["method", "accuracy"], fraction="accuracy")
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


def plot_weight_errors(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw a weight's error against its size per mapping: its spread, and thin, its percentiles.

    Args:
        table: one preset: mapping, u (|w| / max|W|), std, low, high (fractions of max|W|).
    """
    _require(table, ["mapping", "u", "std", "low", "high"], key=["mapping", "u"])
    ax = plt.subplots()[1] if ax is None else ax
    for mapping, rows in table.groupby("mapping", sort=False):
        look = _line(MAPPING_STYLES[mapping])
        ax.plot(rows.u, 100 * rows["std"], label=MAPPING_STYLES[mapping].label, **look)
        for end in ("low", "high"):
            ax.plot(rows.u, 100 * rows[end], **look | dict(linewidth=0.5))
    return _finish(ax, r"Weight ($|w|\,/\,\max|W|$)", r"Error (% of $\max|W|$)")


def plot_mapping_accuracy(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy per preset, a marker per mapping with the interval of its mean.

    Args:
        table: one sigma_d: preset, mapping, accuracy, low, high (fractions).
    """
    columns = ["preset", "mapping", "accuracy", "low", "high"]
    _require(table, columns, key=columns[:2], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    presets, mappings = list(table.preset.unique()), list(table.mapping.unique())
    for i, mapping in enumerate(mappings):
        style, rows = MAPPING_STYLES[mapping], table[table.mapping == mapping]
        places = [presets.index(preset) + 0.2 * (i - 1) for preset in rows.preset]
        ends = [100 * (rows.accuracy - rows.low), 100 * (rows.high - rows.accuracy)]
        look = dict(fmt=style.marker, color=style.colour, ms=4, elinewidth=0.9, capsize=2)
        ax.errorbar(places, 100 * rows.accuracy, yerr=ends, label=style.label, **look)
    ax.set_xticks(range(len(presets)), presets, rotation=30, ha="right", rotation_mode="anchor")
    ax.grid(visible=False, axis="x")
    return _finish(ax, "", "Accuracy (%)")


def plot_stuck(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy against the share of stuck devices, evenly spaced, a line per stuck level.

    Args:
        table: one sigma_d: stuck ("low" or "high"), share, accuracy, low, high (fractions).
    """
    columns = ["stuck", "share", "accuracy", "low", "high"]
    _require(table, columns, key=columns[:2], fraction="accuracy")
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
    return _finish(ax, "Stuck devices (%)", "Accuracy (%)")


def plot_accuracy_vs_time(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy against time since the first read, a line per model with its interval's band.

    Args:
        table: model, time_s, accuracy, low, high (fractions).
    """
    columns = ["model", "time_s", "accuracy", "low", "high"]
    _require(table, columns, key=columns[:2], fraction="accuracy")
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
    return _finish(ax, "Time since the first read (s)", "Accuracy (%)")


def plot_history(history: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw validation accuracy against epoch, one thin line per training seed.

    Args:
        history: method, seed, epoch, validation_accuracy (fraction).
    """
    columns = ["method", "seed", "epoch", "validation_accuracy"]
    _require(history, columns, key=columns[:3], fraction="validation_accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    for method, rows in history.groupby("method", sort=False):
        look = _line(method_style(method)) | dict(linewidth=0.8, alpha=0.85)
        runs = rows.pivot(index="epoch", columns="seed", values="validation_accuracy")
        lines = ax.plot(runs.index, 100 * runs, **look)
        lines[0].set_label(method_style(method).label)  # the other seeds stay out of the legend
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return _finish(ax, "Epoch", "Validation accuracy (%)")


def _require(table, columns, *, key=None, fraction=None) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing or table.empty:
        raise ValueError(f"table must have rows of {columns}, missing {missing or 'all rows'}")
    if key and table.duplicated(key).any():
        first = table.loc[table.duplicated(key), key].iloc[0].to_dict()
        raise ValueError(f"table must have one row per {', '.join(key)}, got several at {first}")
    if fraction and not table[fraction].dropna().between(0, 1).all():
        span = f"{table[fraction].min():g} to {table[fraction].max():g}"
        raise ValueError(f"{fraction} must be a fraction in [0, 1], got {span}")


def _finish(ax, xlabel, ylabel, **legend) -> Axes:
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if len(ax.get_legend_handles_labels()[0]) > 5:  # too many to hide no data: beside the axes
        legend |= dict(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    ax.legend(**legend, handlelength=2.6)
    return ax


def _line(style: MethodStyle) -> dict:
    width = style.linewidth  # also decides which line lies on top
    return dict(color=style.colour, linestyle=style.linestyle, linewidth=width, zorder=2 + width)


def _time_label(time_s: float) -> str:
    if time_s < 1000:
        return f"{1e3 * time_s:.4g} ms" if 0 < time_s < 0.1 else f"{time_s:.4g} s"
    mantissa, exponent = f"{time_s:.2e}".split("e")
    factor = "" if float(mantissa) == 1 else rf"{float(mantissa):g}\times"
    return rf"${factor}10^{{{int(exponent)}}}$ s"
