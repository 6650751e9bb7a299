"""Checks of arguments: each raises one ValueError that names the argument, the rule and the value.

Numbers are passed by name, `positive(width=width)`; NaN never passes.
"""

import math
from collections.abc import Collection
from typing import Any

LONGEST = 1_000
"""Characters of an error message."""


def one_of(choices: Collection[Any], **values: Any) -> None:
    """Refuse a value that is not among the choices."""
    for name, value in values.items():
        if value not in choices:
            known = ", ".join(map(str, choices))
            raise ValueError(f"{name} must be one of {known}, got {value!r}")


def at_least(least: int, **values: float) -> None:
    """Refuse a number below the least."""
    for name, value in values.items():
        if not value >= least:
            raise ValueError(f"{name} must be at least {least}, got {value}")


def positive(**values: float) -> None:
    """Refuse a number that is not above 0, or not finite."""
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise ValueError(f"{name} must be positive and finite, got {value}")


def non_negative(**values: float) -> None:
    """Refuse a number below 0, or not finite."""
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} must be non-negative and finite, got {value}")


def finite(**values: float) -> None:
    """Refuse a number that is not finite."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, got {value}")


def fraction(**values: float) -> None:
    """Refuse a number outside [0, 1]."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be in [0, 1], got {value}")


def cut(text: str) -> str:
    """Return a text for an error message in one line, cut: a bad value can be a whole page."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
