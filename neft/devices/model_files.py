"""Save and load variation models as JSON files."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from neft._utils.checks import cut, one_of
from neft._utils.files import atomic_path, read_json
from neft._utils.strict import strictly
from neft.devices.drifting import DriftingGaussian
from neft.devices.measured import MeasuredGaussian, MeasuredQuantiles
from neft.devices.published_fits import (
    PiecewisePolynomialGaussian,
    PolynomialGaussian,
    SaturatingGaussian,
)
from neft.devices.variation import RatioGaussian, VariationModel

_KINDS: dict[str, type[VariationModel]] = {
    "ratio_gaussian": RatioGaussian,
    "measured_gaussian": MeasuredGaussian,
    "measured_quantiles": MeasuredQuantiles,
    "polynomial_gaussian": PolynomialGaussian,
    "piecewise_polynomial_gaussian": PiecewisePolynomialGaussian,
    "saturating_gaussian": SaturatingGaussian,
    "drifting_gaussian": DriftingGaussian,
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
    values = read_json(path, "variation model")
    try:
        return from_dict(values)
    except ValueError as error:
        raise ValueError(cut(f"{path}: not a variation model: {error}")) from error


def to_dict(model: VariationModel) -> dict[str, Any]:
    """Return the model's kind and values as a dictionary."""
    kind = next(name for name, cls in _KINDS.items() if cls is type(model))
    return {"kind": kind, **asdict(model)}


def from_dict(values: dict[str, Any]) -> VariationModel:
    """Return the model of a dictionary that `to_dict` made.

    Raises:
        ValueError: an unknown kind, or missing, unknown or bad values.
    """
    kind: Any = values.get("kind")
    one_of(list(_KINDS), kind=kind)
    return strictly(_KINDS[kind], {key: value for key, value in values.items() if key != "kind"})
