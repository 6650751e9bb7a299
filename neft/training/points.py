"""Conditions of training, changed one at a time: a benchmark's sizes and its schedule."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from neft._utils.checks import one_of
from neft.training.grid import Benchmark
from neft.training.loop import Schedule

Setter = Callable[[Benchmark, Schedule, float], tuple[Benchmark, Schedule]]


SETTINGS: dict[str, Setter] = {
    "width": lambda b, s, value: (replace(b, width=value), s),
    "side": lambda b, s, value: (replace(b, data=replace(b.data, side=int(value))), s),
    "training_images": lambda b, s, value: (
        replace(b, data=replace(b.data, training_images=int(value))),
        s,
    ),
    "epochs": lambda b, s, value: (b, replace(s, epochs=int(value))),
    "learning_rate": lambda b, s, value: (b, replace(s, learning_rate=value)),
}
"""What can be changed: (benchmark, schedule, value) -> both with the value in its place."""

WHOLE = ("side", "training_images", "epochs")
"""Settings whose values are whole numbers."""


def check_setting(setting: str, values: Sequence[float]) -> None:
    """Raise ValueError if a setting is unknown, or a value is not whole where it must be."""
    one_of(SETTINGS, vary=setting)
    for value in values:
        if setting in WHOLE and value % 1:
            raise ValueError(f"{setting} must be a whole number, got {value}")


@dataclass(frozen=True)
class Point:
    """One condition of training: that of a run with one setting changed.

    Args:
        setting: key of `SETTINGS`.
        value: its value.
        benchmark: network and data set.
        schedule: epochs, batch size, learning rate.
    """

    setting: str
    value: float
    benchmark: Benchmark
    schedule: Schedule


def points(
    benchmark: Benchmark, schedule: Schedule, vary: Mapping[str, Sequence[float]]
) -> list[Point]:
    """List the conditions in the order given.

    Args:
        benchmark: of the run.
        schedule: of the run.
        vary: setting -> values.

    Raises:
        ValueError: a setting is unknown, or a value is no whole number where it must be.
    """
    for setting, values in vary.items():
        check_setting(setting, values)
    return [
        Point(setting, value, *SETTINGS[setting](benchmark, schedule, value))
        for setting, values in vary.items()
        for value in values
    ]
