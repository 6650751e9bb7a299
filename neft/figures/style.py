"""How figures look: one style for all, one look for each method, files that repeat byte for byte.

A method keeps its label, colour, marker and line style in every figure; markers and line styles
differ, so that grey print can be read.
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

from neft._utils.files import atomic_path

# Text becomes outlines ("path") of the font that ships with matplotlib, so that no viewer's font
# changes the figure. The salt fixes the ids that would otherwise be random in every file.
SVG_RC = {"svg.fonttype": "path", "svg.hashsalt": "neft"}
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


def require(table: pd.DataFrame, columns, *, key=None, fraction=None) -> None:
    """Raise ValueError if a table is empty, lacks a column, has two rows for one key, or holds
    something outside [0, 1] in its column of fractions."""
    missing = [column for column in columns if column not in table.columns]
    if missing or table.empty:
        raise ValueError(f"table must have rows of {columns}, missing {missing or 'all rows'}")
    if key and table.duplicated(key).any():
        first = table.loc[table.duplicated(key), key].iloc[0].to_dict()
        raise ValueError(f"table must have one row per {', '.join(key)}, got several at {first}")
    if fraction and not table[fraction].dropna().between(0, 1).all():
        span = f"{table[fraction].min():g} to {table[fraction].max():g}"
        raise ValueError(f"{fraction} must be a fraction in [0, 1], got {span}")


def finish(ax: Axes, xlabel: str, ylabel: str, **legend) -> Axes:
    """Name the axes and put the legend where it hides no data."""
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if len(ax.get_legend_handles_labels()[0]) > 5:  # too many to hide no data: beside the axes
        legend |= dict(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    ax.legend(**legend, handlelength=2.6)
    return ax


def line(style: MethodStyle) -> dict:
    """Settings of a method's line."""
    width = style.linewidth  # thin lines lie on thick ones: of two equal curves both are seen
    return dict(color=style.colour, linestyle=style.linestyle, linewidth=width, zorder=5 - width)


def marked_line(style: MethodStyle) -> dict:
    """Settings of a method's line with a marker at every point."""
    marker = dict(marker=style.marker, ms=3 + 1.3 * style.linewidth, mec="white", mew=0.4)
    return line(style) | marker


def error_bars(ax: Axes, places, rows: pd.DataFrame, mean: str, style: MethodStyle) -> None:
    """Draw fractions in percent: markers at `rows[mean]`, bars from `rows.low` to `rows.high`."""
    ends = [100 * (rows[mean] - rows.low), 100 * (rows.high - rows[mean])]
    look = dict(fmt=style.marker, color=style.colour, ms=4, elinewidth=0.9, capsize=2)
    ax.errorbar(places, 100 * rows[mean], yerr=ends, label=style.label, **look)


def panels(count: int, width: float, height: float, **settings) -> tuple[plt.Figure, list[Axes]]:
    """Make axes of this size in inches, in rows of at most three."""
    columns = min(count, 3)
    rows = -(-count // columns)
    settings |= dict(figsize=(width * columns, height * rows), squeeze=False)
    figure, axes = plt.subplots(rows, columns, **settings)
    for ax in axes.flat[count:]:
        ax.remove()
    return figure, list(axes.flat[:count])


def time_label(time_s: float) -> str:
    """Say a time in seconds.

    >>> [time_label(time_s) for time_s in (0.01, 4, 1e5)]
    ['10 ms', '4 s', '$10^{5}$ s']
    """
    if time_s < 1000:
        return f"{1e3 * time_s:.4g} ms" if 0 < time_s < 0.1 else f"{time_s:.4g} s"
    mantissa, exponent = f"{time_s:.2e}".split("e")
    factor = "" if float(mantissa) == 1 else rf"{float(mantissa):g}\times"
    return rf"${factor}10^{{{int(exponent)}}}$ s"
