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
        ValueError: a setting is unknown.
    """
    for setting in vary:
        one_of(SETTINGS, setting=setting)
    return [
        Point(setting, value, *SETTINGS[setting](benchmark, schedule, value))
        for setting, values in vary.items()
        for value in values
    ]
