"""Which methods a figure or a short table shows where there are too many to tell apart."""

import pandas as pd

from neft.figures.style import require

MOST = 15
"""Methods that a figure shows; beyond, colours and markers repeat."""

ALWAYS = ("noise_free", "noise_injection", "scaled_logits", "ovf", "irs")


def legible(table: pd.DataFrame, most: int = MOST) -> list[str]:
    """Choose the methods to show: all, if they are few enough.

    Of more, those that the others are compared with, and the most accurate ones.

    Args:
        table: method, sigma_d, accuracy.
        most: how many at most.

    Returns:
        Methods in the table's order.
    """
    require(table, ["method", "sigma_d", "accuracy"])
    methods = list(table.method.unique())
    if len(methods) <= most:
        return methods
    means = table.groupby("method", sort=False).accuracy.mean()
    best = means.sort_values(ascending=False, kind="stable").index
    chosen = [*(name for name in ALWAYS if name in methods), *best]
    kept = list(dict.fromkeys(chosen))[:most]
    return [name for name in methods if name in kept]


def left_out(shown: list[str], table: pd.DataFrame) -> str:
    """Say in a sentence which methods of a table are not shown; nothing if all are."""
    count = table.method.nunique()
    if len(shown) == count:
        return ""
    return (
        f"{len(shown)} of {count} methods are shown: {', '.join(ALWAYS)} where they were run, and "
        "those of the highest mean accuracy over all sigma_d; all are in metrics/results."
    )
