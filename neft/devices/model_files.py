"""Save and load variation models as JSON files."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from neft._utils.checks import one_of
from neft._utils.files import atomic_path
from neft.devices.measured import MeasuredGaussian, MeasuredQuantiles
from neft.devices.variation import PolynomialGaussian, RatioGaussian, VariationModel

_KINDS: dict[str, type[VariationModel]] = {
    "ratio_gaussian": RatioGaussian,
    "measured_gaussian": MeasuredGaussian,
    "measured_quantiles": MeasuredQuantiles,
    "polynomial_gaussian": PolynomialGaussian,
}


def save(model: VariationModel, path: Path | str) -> None:
    """Write a model to a JSON file, atomically."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(to_dict(model), indent=2) + "\n")


def load(path: Path | str) -> VariationModel:
    """Read a model written by `save`.

    Raises:
        ValueError: not JSON, an unknown kind, or missing, unknown or bad values; it names the file.
    """
    try:
        return from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a variation model: {error}") from error


def to_dict(model: VariationModel) -> dict[str, Any]:
    """Return the model's kind and values as a dictionary."""
    kind = next(name for name, cls in _KINDS.items() if cls is type(model))
    return {"kind": kind, **asdict(model)}


def from_dict(values: dict[str, Any]) -> VariationModel:
    """Return the model of a dictionary that `to_dict` made."""
    values = dict(values)
    kind = values.pop("kind", None)
    one_of(_KINDS, kind=kind)
    return _KINDS[kind](**{key: _frozen(value) for key, value in values.items()})


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value
