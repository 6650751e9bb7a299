"""The style of all figures, one look per method, helpers for plots, and reproducible SVG files.

A method has the same label, colour, marker and line style in every figure. Markers and line styles
differ, so that figures can be read in grey.
"""

import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neft._utils.files import atomic_path

# Text becomes outlines ("path") of the font that ships with matplotlib: figures do not depend on
# the viewer's fonts. The salt fixes ids that would otherwise be random in every file.
SVG_RC: dict[Any, Any] = {"svg.fonttype": "path", "svg.hashsalt": "neft"}


class MethodStyle(NamedTuple):
    """Label and look of a method's line."""

    label: str
    colour: str
    marker: str
    linestyle: str | tuple[int, tuple[int, ...]]
    linewidth: float = 1.1


# The Okabe-Ito palette, safe for colour-blind readers; OVF and IRS have the strongest contrast.
METHOD_STYLES = {
    "noise_free": MethodStyle("Noise-free", "#8A8A8A", "X", ":"),
    "noise_injection": MethodStyle("Noise injection", "#000000", "s", "--"),
    "scaled_logits": MethodStyle("Scaled logits", "#009E73", "^", "-."),
    "correctnet": MethodStyle("CorrectNet", "#CC79A7", "v", (0, (5, 1))),
    "right_censored": MethodStyle("Right-censored", "#E69F00", "P", (0, (3, 1, 1, 1))),
    "clipped": MethodStyle("Clipped", "#56B4E9", "p", (0, (1, 1))),
    "recipe": MethodStyle("Recipe", "#882255", "*", (0, (6, 1, 1, 1, 1, 1))),
    "ovf": MethodStyle("OVF", "#D55E00", "D", "-", 1.9),
    "irs": MethodStyle("IRS", "#0072B2", "o", "-", 1.9),
}
OTHER_COLOURS = ["#882255", "#999933", "#332288", "#44AA99", "#8C510A"]
OTHER_MARKERS, OTHER_LINES = "h<>*d8H", ["--", "-.", ":"]


def method_style(method: str) -> MethodStyle:
    """Style of a method; for a method that is not built in, it depends on the name alone.

    Examples:
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
    choices = (OTHER_COLOURS, OTHER_MARKERS, OTHER_LINES)
    colour, marker, linestyle = (each[code % len(each)] for each in choices)
    return MethodStyle(label, colour, marker, linestyle)


def use_style() -> None:
    """Set the style of all figures: one column of a two-column paper, text of 7 to 8 points."""
    small = ["xtick.labelsize", "ytick.labelsize", "legend.fontsize", "legend.title_fontsize"]
    rc: dict[Any, Any] = dict.fromkeys(["font.size", "axes.labelsize", "axes.titlesize"], 8)
    rc |= dict.fromkeys(small, 7) | SVG_RC
    rc |= {"font.sans-serif": ["DejaVu Sans"]}  # ships with matplotlib, on any system
    rc |= {"figure.figsize": (3.5, 2.7), "figure.dpi": 150, "savefig.dpi": 300}
    rc |= {"figure.constrained_layout.use": True, "axes.edgecolor": "0.3", "grid.color": "0.88"}
    sns.set_theme(context="paper", style="whitegrid", palette="colorblind", rc=rc)


def save_svg(figure: Figure, path: str | Path) -> None:
    """Write a figure as SVG, whole or not at all; equal numbers give equal bytes.

    Args:
        figure: the finished figure.
        path: the file; missing parent folders are created.
    """
    buffer = BytesIO()
    for ax in figure.axes:  # a layout starts from the previous one: undo what earlier draws moved
        if ax.get_in_layout() and (place := ax.get_subplotspec()):
            ax.set_subplotspec(place)
    with matplotlib.rc_context(SVG_RC):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    with atomic_path(path) as partial:
        partial.write_bytes(buffer.getvalue())


def require(
    table: pd.DataFrame,
    columns: list[str],
    *,
    key: list[str] | None = None,
    fraction: str | None = None,
) -> None:
    """Raise ValueError if a table is empty, lacks a column, has two rows for one key, or holds a
    value outside [0, 1] in its column of fractions."""
    missing = [column for column in columns if column not in table.columns]
    if missing or table.empty:
        raise ValueError(f"table must have rows of {columns}, missing {missing or 'all rows'}")
    if key and table.duplicated(key).any():
        first = table.loc[table.duplicated(key), key].iloc[0].to_dict()
        raise ValueError(f"table must have one row per {', '.join(key)}, got several at {first}")
    if fraction and not table[fraction].dropna().between(0, 1).all():
        span = f"{table[fraction].min():g} to {table[fraction].max():g}"
        raise ValueError(f"{fraction} must be a fraction in [0, 1], got {span}")


def points(fraction: float) -> str:
    """Write a difference of fractions in percentage points, with its sign."""
    return f"{100 * fraction:+.1f}".replace("-", "\N{MINUS SIGN}")


def finish(ax: Axes, xlabel: str, ylabel: str, **legend: Any) -> Axes:
    """Label the axes and put the legend where it hides no data."""
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if len(ax.get_legend_handles_labels()[0]) > 5:  # a large one would hide data: beside the axes
        legend |= dict(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    ax.legend(**legend, handlelength=2.6)
    return ax


def percent_limits(ax: Axes) -> None:
    """End the axis of percentages near 0 and 100; what is drawn later still widens it."""
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, -1), min(high, 101), auto=None)


def line(style: MethodStyle) -> dict[str, Any]:
    """Settings of a method's line."""
    width = style.linewidth  # thin lines lie on thick ones, so that of two equal curves both show
    return dict(color=style.colour, linestyle=style.linestyle, linewidth=width, zorder=5 - width)


def labelled_line(style: MethodStyle) -> dict[str, Any]:
    """Settings of a method's line with its marker and label."""
    return line(style) | dict(label=style.label, marker=style.marker)


def marked_line(style: MethodStyle) -> dict[str, Any]:
    """Settings of a method's line with a marker at every point."""
    size = 3 + 1.3 * style.linewidth
    return line(style) | dict(marker=style.marker, ms=size, mec="white", mew=0.4)


def band(ax: Axes, x: Any, low: pd.Series, high: pd.Series, colour: str) -> None:
    """Draw the band of an interval."""
    ax.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)


def error_bars(
    ax: Axes,
    places: Sequence[float],
    rows: pd.DataFrame,
    mean: str,
    style: MethodStyle,
    **settings: Any,
) -> None:
    """Draw fractions in percent: markers at `rows[mean]`, bars from `rows.low` to `rows.high`."""
    ends = [100 * (rows[mean] - rows.low), 100 * (rows.high - rows[mean])]
    look: dict[str, Any] = dict(fmt=style.marker, ms=4, elinewidth=0.9, capsize=2)
    look |= dict(label=style.label, color=style.colour) | settings
    ax.errorbar(places, 100 * rows[mean], yerr=ends, **look)


def interval_rows(
    ax: Axes,
    rows: pd.DataFrame,
    middle: str,
    names: Sequence[str],
    looks: Sequence[dict[str, Any]],
    *,
    reference: float = 0.0,
) -> None:
    """Draw fractions in percent, one below the other, with their intervals.

    Args:
        ax: axes to draw on.
        rows: low, high and the column of the markers, the first at the top.
        middle: its name.
        names: of the rows.
        looks: colour, marker and face (matplotlib's color, fmt, mfc) of each row.
        reference: position of a vertical line, a fraction.
    """
    ax.axvline(100 * reference, color="0.4", linewidth=0.8, linestyle=":", zorder=1)
    for place, (row, look) in enumerate(zip(rows.itertuples(), looks, strict=True)):
        value = getattr(row, middle)
        ends = [[100 * (value - row.low)], [100 * (row.high - value)]]
        ax.errorbar(100 * value, place, xerr=ends, ms=4.5, elinewidth=0.9, capsize=2, **look)
    ax.set_yticks(range(len(rows)), names)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")


def accuracy_lines(
    table: pd.DataFrame,
    x: str,
    by: str,
    look: Callable[[str], dict[str, Any]],
    ax: Axes | None,
    *,
    percent: bool = False,
) -> Axes:
    """Draw accuracy against evenly spaced values of x, a line and its band per value of `by`."""
    require(table, [by, x, "accuracy", "low", "high"], key=[by, x], fraction="accuracy")
    ax = plt.subplots()[1] if ax is None else ax
    values = sorted(table[x].unique())
    for name, rows in table.groupby(by, sort=False):
        rows, settings = rows.sort_values(x), look(name)
        places = [values.index(value) for value in rows[x]]
        band(ax, places, 100 * rows.low, 100 * rows.high, settings["color"])
        ax.plot(places, 100 * rows.accuracy, ms=4, **settings)
    ax.set_xticks(range(len(values)), [f"{100 * v if percent else v:g}" for v in values])
    return ax


def panels(
    count: int, width: float, height: float, *, columns: int = 3, **settings: Any
) -> tuple[Figure, list[Axes]]:
    """Make axes of this size in inches, at most `columns` per row."""
    columns = min(count, columns)
    rows = -(-count // columns)
    settings |= dict(figsize=(width * columns, height * rows), squeeze=False)
    figure, axes = plt.subplots(rows, columns, **settings)
    for ax in axes.flat[count:]:
        ax.remove()
    return figure, list(axes.flat[:count])


def within(label: str) -> str:
    """Write a method's label inside a sentence: acronyms keep their capitals."""
    return label if label[1:] != label[1:].lower() else label.lower()


def time_label(time_s: float) -> str:
    """Write a time given in seconds.

    Examples:
        >>> [time_label(time_s) for time_s in (0.01, 4, 1e5)]
        ['10 ms', '4 s', '$10^{5}$ s']
    """
    if time_s < 1000:
        return f"{1e3 * time_s:.4g} ms" if 0 < time_s < 0.1 else f"{time_s:.4g} s"
    mantissa, exponent = f"{time_s:.2e}".split("e")
    factor = "" if float(mantissa) == 1 else rf"{float(mantissa):g}\times"
    return rf"${factor}10^{{{int(exponent)}}}$ s"
