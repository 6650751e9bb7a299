"""From a section of `methods` in params.yaml to a method: every setting is checked."""

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from neft._utils.checks import one_of
from neft._utils.strict import first_error
from neft.training.base import METHODS, Method
from neft.training.loop import Schedule
from neft.training.own_methods import import_own

WHOLE_CHIP = "whole_chip"
"""Key of a section: whether training sees what stands around the devices, too."""

EPOCHS = "epochs"
"""Key of a section: epochs of its training, where they are not the run's."""

MOST_EPOCHS = 1_000_000

ABOUT = ("method", "module", WHOLE_CHIP, EPOCHS)
"""Keys of a section that are no settings of the method."""


def build_method(name: str, settings: dict[str, Any], within: str = "methods") -> Method:
    """Return the method that a section of `methods` describes.

    The key `method` names the method; without it, the section's name does. So several sections can
    vary one method. The key `module` names a file of the user's own that has the method
    (`neft.training.own_methods`). The keys `whole_chip` and `epochs` are only checked here.

    Args:
        name: of the section.
        settings: what it holds.
        within: the section's place in the file, for errors.

    Raises:
        ValueError: unknown method or setting, or a bad value; one line with the key.
    """
    kind = settings.get("method", name)
    if "module" in settings:
        try:
            import_own(settings["module"])
        except ValueError as error:
            raise ValueError(f"{within}.{name}.module: {error}") from error
    if not isinstance(whole := settings.get(WHOLE_CHIP, False), bool):
        raise ValueError(f"{within}.{name}.{WHOLE_CHIP}: must be true or false, got {whole!r}")
    if type(epochs := settings.get(EPOCHS, 1)) is not int or not 1 <= epochs <= MOST_EPOCHS:
        rule = f"must be an integer from 1 to {MOST_EPOCHS}"
        raise ValueError(f"{within}.{name}.{EPOCHS}: {rule}, got {epochs!r}")
    settings = {key: value for key, value in settings.items() if key not in ABOUT}
    one_of(METHODS, **{f"{within}.{name}": kind})
    fields = [field.name for field in dataclasses.fields(METHODS[kind])]
    for key in settings:
        if key not in fields:
            raise ValueError(f"{within}.{name}.{key}: unknown key (known: {', '.join(fields)})")
    try:
        method = TypeAdapter(METHODS[kind]).validate_python(settings)
    except ValidationError as error:
        raise ValueError(first_error(error, f"{within}.{name}")) from error
    for key, value in settings.items():
        if not _of_its_type(value, getattr(method, key)):
            raise ValueError(f"{within}.{name}.{key}: must be a number, got {value!r}")
    return method


def method_schedule(schedule: Schedule, settings: Mapping[str, Any]) -> Schedule:
    """Return a run's schedule with the epochs of a section of `methods`, if it has its own."""
    return replace(schedule, epochs=settings.get(EPOCHS, schedule.epochs))


def _of_its_type(given: Any, taken: Any) -> bool:
    """Say whether no text and no truth value was taken as a number."""
    if isinstance(given, bool | str):
        return type(taken) is type(given)
    if isinstance(given, dict):
        return all(_of_its_type(given[key], taken[key]) for key in given)
    if isinstance(given, list):
        return all(map(_of_its_type, given, taken))
    return True


def vary_method(name: str, settings: dict[str, Any], setting: str, value: Any) -> Method:
    """Return the method of a section of `methods` with one setting changed.

    Raises:
        ValueError: see `build_method`; the key is one of `studies.ablations.vary`.
    """
    if setting in ABOUT:
        raise ValueError(f"studies.ablations.vary.{name}.{setting}: unknown key")
    return build_method(name, {**settings, setting: value}, "studies.ablations.vary")
