"""Ablations: methods with one setting changed, trained one by one, and what their chips say."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from neft import engine
from neft.experiment import train_grid
from neft.hardware import Hardware
from neft.method import Method
from neft.method_sections import build_method, vary_method
from neft.results import REFERENCES, gains, summarise


@dataclass(frozen=True)
class Variant:
    """A method with one setting changed, or as its section of `methods` has it.

    Args:
        name: of the method trained; one that is as its section has it bears the section's name.
        section: of `methods`.
        setting: the one that is varied; "" for the methods that all are compared with.
        value: of that setting, as text.
        default: whether the value is the section's own.
        method: what is trained.
    """

    name: str
    section: str
    setting: str
    value: str
    default: bool
    method: Method


def variants(
    vary: dict[str, dict[str, list[Any]]], methods: dict[str, dict[str, Any]]
) -> list[Variant]:
    """List what to train: the references, then each setting's values with its own among them.

    Args:
        vary: section of `methods` -> setting -> values.
        methods: sections by name; a reference of `neft.results` that is missing has its defaults.

    Returns:
        The variants in the order given. A section as it is stands first under each of its
        settings whose values do not repeat it; all of these have the same name and method.

    Raises:
        ValueError: unknown setting or a bad value; names the key.
    """
    found = [
        Variant(name, name, "", "", True, build_method(name, methods.get(name, {})))
        for name in REFERENCES
    ]
    for section, settings in vary.items():
        own = build_method(section, methods[section])
        for setting, values in settings.items():
            built = [vary_method(section, methods[section], setting, value) for value in values]
            for method in built if own in built else [own, *built]:
                value, default = _text(getattr(method, setting)), method == own
                name = section if default else f"{section},{setting}={value.replace(' ', '')}"
                found.append(Variant(name, section, setting, value, default, method))
    return found


def _text(value: Any) -> str:
    if value is None:
        return "unset"
    if isinstance(value, dict):
        return ", ".join(f"{name}={_text(size)}" for name, size in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Trial:
    """A method to train for one sigma_d on one hardware, and the folder for its networks."""

    name: str
    method: Method
    hardware: Hardware
    sigma_d: float
    folder: Path


def train(trials: Sequence[Trial], *, scratch: Path, **settings: Any) -> None:
    """Train every trial, equal ones once.

    Args:
        trials: what to train.
        scratch: keeps finished trials until all are there, then removed: a killed run continues.
        settings: seeds, schedule and the rest of `neft.experiment.train_grid`.
    """
    for trial in trials:
        kept = scratch / engine.digest(**{**vars(trial), "folder": None}, **settings)
        if not kept.exists():
            unfinished = scratch / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            train_grid(
                trial.name, trial.method, hardware=trial.hardware, sigma_d=[trial.sigma_d],
                folder=unfinished, scratch=scratch / f"{kept.name}-epochs", **settings,
            )  # fmt: skip
            unfinished.rename(kept)
        trial.folder.mkdir(parents=True, exist_ok=True)
        for path in kept.iterdir():
            shutil.copy(path, trial.folder / f"{trial.name},{path.name}")
    shutil.rmtree(scratch)


def against_own(draws: pd.DataFrame, trained: str, tested: str) -> pd.DataFrame:
    """Make a matrix of what networks were trained for against what they are tested on.

    Args:
        draws: columns sigma_d, seed, chip, accuracy and these two; a row a chip.
        trained: column of what a network was trained for.
        tested: column of what it is tested on.

    Returns:
        Those of `neft.results.summarise`, a row a pair, and difference, difference_low,
        difference_high: against the networks that were trained for what they are tested on,
        with the same seeds and chips, 0 on the diagonal.

    Raises:
        ValueError: no network was trained for something that others are tested on.
    """
    compared = pd.concat(
        gains(rows, trained, against=at, by=[tested]) for at, rows in draws.groupby(tested)
    ).rename(columns={"low": "difference_low", "high": "difference_high"})
    keys, found = [trained, tested], ["difference", "difference_low", "difference_high"]
    table = summarise(draws, by=keys).merge(compared[[*keys, *found]], on=keys, how="left")
    table.loc[table[trained] == table[tested], found] = 0.0
    return table
