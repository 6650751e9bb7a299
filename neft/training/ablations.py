"""Ablations: methods with one setting changed at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neft.training.base import Method
from neft.training.settings import build_method, vary_method


@dataclass(frozen=True)
class Variant:
    """A method with one setting changed, or as its section of `methods` has it.

    Args:
        name: of the trained method; the section's name if no setting is changed.
        section: of `methods`.
        setting: the varied one; "" for the references, with which all are compared.
        value: its value, as text.
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
    vary: dict[str, dict[str, list[Any]]],
    methods: dict[str, dict[str, Any]],
    references: Sequence[str],
) -> list[Variant]:
    """List what to train: the references, then each setting's values with its own among them.

    Args:
        vary: section of `methods` -> setting -> values.
        methods: sections by name.
        references: sections that all are compared with; a missing one has its defaults.

    Returns:
        The variants in the order given. A section as it is stands first under each of its
        settings whose values do not repeat it; all of these have the same name and method.

    Raises:
        ValueError: unknown setting or a bad value; names the key.
    """
    found = [
        Variant(name, name, "", "", True, build_method(name, methods.get(name, {})))
        for name in references
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
