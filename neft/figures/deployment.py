"""Figures of post-training corrections: re-estimated BatchNorm statistics, write-verify."""

import pandas as pd
from matplotlib.axes import Axes

from neft.figures.style import MethodStyle, accuracy_lines, finish, labelled_line, method_style

RANKING_STYLES = {
    "curvature": MethodStyle("Curvature", "#D55E00", "D", "-", 1.9),
    "magnitude": MethodStyle("Magnitude", "#0072B2", "o", "--"),
    "random": MethodStyle("Random", "#8A8A8A", "X", ":"),
}


def plot_recalibration(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy against the number of images that re-estimate BatchNorm, one line per method.

    Args:
        table: one sigma_d: method, images (0: trained statistics), accuracy, low, high (fractions).
    """
    ax = accuracy_lines(
        table, "images", "method", lambda name: labelled_line(method_style(name)), ax
    )
    return finish(ax, "Unlabelled images per chip", "Accuracy (%)")


def plot_write_verify(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy against the share of verified weights, one line per ranking of the weights.

    Args:
        table: one method and sigma_d: ranking, share, accuracy, low, high (fractions).
    """
    look = {name: labelled_line(style) for name, style in RANKING_STYLES.items()}
    ax = accuracy_lines(table, "share", "ranking", look.__getitem__, ax, percent=True)
    return finish(ax, "Verified weights (%)", "Accuracy (%)")
