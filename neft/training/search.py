"""A search for the settings of a training, on validation images alone.

Proposals come from Optuna's tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), in
batches whose trainings run side by side. With the same seed and the same scores the proposals are
the same, and finished trainings are kept in `scratch`: a killed search that starts again asks the
same questions, and finds the answers there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from neft._utils.checks import finite, positive
from neft._utils.parallel import CPU_ONLY, Machine
from neft.chip import Hardware
from neft.training.grid import Benchmark, train_grid, trials
from neft.training.loop import Schedule
from neft.training.settings import build_method


@dataclass(frozen=True)
class Range:
    """Numbers that a setting can have.

    Args:
        low, high: ends of the range.
        log: let the search look at ratios, not at differences.

    Raises:
        ValueError: an end is not finite, or low is not below high, or not positive with log.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        finite(low=self.low, high=self.high)
        if self.log:
            positive(low=self.low)
        if not self.low < self.high:
            raise ValueError(f"low must be below high, {self.high}, got {self.low}")


Space = Mapping[str, Range | Sequence[Any]]
"""Name of a setting -> its range, or a list of its values."""


def propose(
    space: Space,
    score: Callable[[list[dict[str, Any]]], Sequence[float]],
    *,
    count: int,
    batch: int,
    seed: int,
) -> pd.DataFrame:
    """Look for the settings of the highest score.

    Args:
        space: the settings and their values.
        score: settings of a batch -> their scores, in order; NaN for settings that failed.
        count: of all proposals.
        batch: proposals that are made before their scores are known.
        seed: of the proposals.

    Returns:
        One row for each proposal in its order: its settings and its score.

    Raises:
        ValueError: the space is empty, or count or batch is not positive.
    """
    import optuna  # not above: only searches need it

    positive(count=count, batch=batch)
    if not space:
        raise ValueError("space must have a setting, got none")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    rows: list[dict[str, Any]] = []
    while len(rows) < count:
        asked = [study.ask() for _ in range(min(batch, count - len(rows)))]
        settings = [{name: _value(trial, name, space[name]) for name in space} for trial in asked]
        for trial, chosen, found in zip(asked, settings, score(settings), strict=True):
            if pd.isna(found):
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, found)
            rows.append({**chosen, "score": found})
    return pd.DataFrame(rows)


def _value(trial: Any, name: str, values: Range | Sequence[Any]) -> Any:
    if isinstance(values, Range):
        return trial.suggest_float(name, values.low, values.high, log=values.log)
    return trial.suggest_categorical(name, list(values))


def search_settings(
    method: str,
    space: Space,
    benchmark: Benchmark,
    schedule: Schedule,
    hardware: Hardware,
    sigma_d: float,
    *,
    seeds: Sequence[int],
    count: int,
    batch: int,
    seed: int,
    folder: Path,
    machine: Machine = CPU_ONLY,
    scratch: Path | str | None = None,
) -> pd.DataFrame:
    """Search the settings with which a method's best epochs are best on validation images.

    The score is the validation accuracy of the best epoch over chips at sigma_d, a mean over the
    seeds; settings of which a seed has no epoch, because it diverged, have failed. No test image is
    used.

    Args:
        method: its name (`neft.training.METHODS`).
        space: its settings; `initialisation` can be one.
        benchmark, schedule, hardware, sigma_d: of every training.
        seeds: of the trainings; others than those of a later test.
        count, batch, seed: see `propose`.
        folder: where the networks go.
        machine, scratch: see `train_grid`.

    Returns:
        See `propose`; the score is a fraction.

    Raises:
        ValueError: the method cannot have a value of the space.
    """
    check_space(method, space)
    made = 0

    def score(batch: list[dict[str, Any]]) -> list[float]:
        nonlocal made
        names = [f"proposal{made + place}" for place in range(len(batch))]
        made += len(batch)
        planned = [
            trial
            for name, settings in zip(names, batch, strict=True)
            for trial in trials(
                name, build_method(name, {"method": method, **settings}), hardware, [sigma_d],
                seeds, Path(folder) / name,
            )
        ]  # fmt: skip
        description = f"search {made} of {count}"
        history = train_grid(
            planned, benchmark, schedule, machine=machine, scratch=scratch, description=description
        )
        best = history.groupby(["method", "seed"]).validation_accuracy.max()
        means = best.unstack("seed").mean(axis=1, skipna=False)
        return [float(means[name]) for name in names]

    return propose(space, score, count=count, batch=batch, seed=seed)


def check_space(method: str, space: Space) -> None:
    """Build a method with each value of a space, and with the ends of each range.

    All other settings have their first value or low end, and then their last or high one.

    Raises:
        ValueError: an unknown method or setting, or a bad value or pair of values; names it.
    """
    ends = {
        name: (values.low, values.high) if isinstance(values, Range) else values
        for name, values in space.items()
    }
    for others in (0, -1):
        settings = {name: values[others] for name, values in ends.items()}
        for name, values in ends.items():
            for value in values:
                build_method(method, {**settings, name: value}, "space")
