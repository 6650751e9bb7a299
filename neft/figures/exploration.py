"""The figure of the explorer: chips, weights' errors, and what chips say of a few images."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from neft.figures.style import require

RIGHT, WRONG, EXACT = "#0072B2", "#D55E00", "#000000"  # of the Okabe-Ito palette
SIZE, DPI = (8.4, 5.4), 100  # as wide as a notebook in a window of 1,280 pixels


def draw_exploration(
    chips: pd.DataFrame,
    summary: pd.DataFrame,
    errors: pd.DataFrame,
    answers: pd.DataFrame,
    pictures: np.ndarray,
    *,
    title: str = "",
) -> Figure:
    """Draw chips' accuracies, weights' errors, and the shares of chips that choose each class.

    Args:
        chips, summary, errors, answers, pictures: of a `neft.explore.Exploration`.
        title: above the figure.

    Returns:
        A figure that pyplot does not know, with the axes of chips, errors, pictures and answers.

    Raises:
        ValueError: as every `plot_*` does, or `answers` has not one image for each picture.
    """
    require(chips, ["chip", "accuracy"], key=["chip"], fraction="accuracy")
    columns = ["mean", "low", "high", "without_errors", "error_mean", "error_std", "images"]
    require(summary, columns, fraction="mean")
    require(errors, ["low", "high", "share"], key=["low"], fraction="share")
    require(answers, ["image", "label", "class", "share"], key=["image", "class"], fraction="share")
    if answers.image.nunique() != len(pictures):
        found = f"{answers.image.nunique()} and {len(pictures)}"
        raise ValueError(f"answers and pictures must have the same images, got {found}")
    figure = Figure(figsize=SIZE, dpi=DPI)
    figure.set_layout_engine("none")  # to arrange the axes anew takes longer than to draw them
    figure.text(0.5, 0.975, title, ha="center", va="top", fontsize=9)
    left = figure.add_axes((0.07, 0.52, 0.40, 0.33))
    right = figure.add_axes((0.57, 0.52, 0.40, 0.33))
    middle = figure.add_axes((0.07, 0.28, 0.90, 0.13))
    below = figure.add_axes((0.07, 0.09, 0.90, 0.18))
    _chips(left, chips, summary.iloc[0])
    _errors(right, errors, summary.iloc[0])
    _answers(below, middle, answers, pictures)
    return figure


def _chips(ax: Axes, chips: pd.DataFrame, summary: pd.Series) -> None:
    """Draw one line of the axes for each chip: it stays there when its accuracy changes."""
    percent = 100 * summary[["mean", "low", "high", "without_errors"]]
    ax.axvspan(percent.low, percent.high, color=RIGHT, alpha=0.2, linewidth=0)
    ax.axvline(percent["mean"], color=RIGHT, linewidth=1.5)
    ax.axvline(percent.without_errors, color=EXACT, linestyle=":", linewidth=1.2)
    ax.plot(100 * chips.accuracy, chips.chip + 1, "o", color=RIGHT, ms=4, mec="white", mew=0.4)
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.set(xlim=(-2, 102), ylim=(0, len(chips) + 1), ylabel="Chip")
    ax.set_xlabel("Accuracy (%); dotted: the trained network itself")
    span = f"{percent['mean']:.1f} % ({percent.low:.1f} to {percent.high:.1f})"
    counts = f"{len(chips)} chips, {summary.images:.0f} images"
    ax.set_title(f"{span}, {counts}", fontsize=9)


def _errors(ax: Axes, errors: pd.DataFrame, summary: pd.Series) -> None:
    edges = [*errors.low, errors.high.iloc[-1]]
    look: dict[str, Any] = dict(fill=True, facecolor=WRONG, edgecolor="none")
    ax.stairs(100 * errors.share, 100 * np.array(edges), **look)
    ax.set(xlim=(100 * edges[0], 100 * edges[-1]), ylim=(0, None), ylabel="Weights (%)")
    ax.set_xlabel("Programmed minus trained weight (% of the largest)")
    mean, deviation = 100 * summary.error_mean, 100 * summary.error_std
    ax.set_title(f"First chip: mean {mean:.1f} %, std {deviation:.1f} %", fontsize=9)


def _answers(ax: Axes, above: Axes, answers: pd.DataFrame, pictures: np.ndarray) -> None:
    """Draw the bars of each image side by side, and the images above their bars."""
    classes = answers["class"].nunique()
    step = classes + 1.5
    places = answers.image * step + answers["class"]
    ends = (-1.25, len(pictures) * step - 1.25)
    colours = np.where(answers["class"] == answers.label, RIGHT, WRONG)
    ax.bar(places, 100 * answers.share, width=0.8, color=colours, linewidth=0)
    ax.set_xticks(places, answers["class"])
    ax.grid(visible=False, axis="x")
    ax.set(xlim=ends, ylim=(0, 103), ylabel="Chips (%)")
    ax.set_xlabel("Class that chips choose (blue: the right one)")
    side = (ends[1] - ends[0]) * above.bbox.height / above.bbox.width  # of a square on the screen
    for image, picture in enumerate(pictures):
        middle = image * step + (classes - 1) / 2
        extent = (middle - side / 2, middle + side / 2, 0, side)
        above.imshow(picture, cmap="gray_r", vmin=0, vmax=1, extent=extent, aspect="auto")
    above.set(xlim=ends, ylim=(0, side))
    above.set_axis_off()
