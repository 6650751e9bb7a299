"""How far a programmed device misses its target: the spread of its error against conductance.

Conductance `u` and errors are fractions of a device's full range, so that one model serves any
device. `sigma_d` sets the size of the error, a model only its shape over the range; `sample`
draws errors of both.
"""

import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from neft.files import atomic_path


@dataclass(frozen=True)
class VariationModel(ABC):
    """Gaussian error of a programmed device, with a spread that depends on its conductance.

    Args:
        name: how tables and figures call it.
        source: where its numbers come from.
    """

    name: str
    source: str

    @abstractmethod
    def spread(self, u: Tensor) -> Tensor:
        """Standard deviation of the error at conductance `u` in [0, 1], in units of sigma_d."""

    def sample(self, u: Tensor, sigma_d: float, *, generator: torch.Generator) -> Tensor:
        """Draw one error per device, as a fraction of the full range.

        Args:
            u: conductances in [0, 1], any shape.
            sigma_d: standard deviation of the error, fraction of the full range.
            generator: source of the draw, on the device of `u`.

        Returns:
            Errors, shape and dtype of `u`.
        """
        z = torch.randn(u.shape, generator=generator, device=u.device, dtype=u.dtype)
        return z.mul_(self.spread(u)).mul_(sigma_d)


@dataclass(frozen=True)
class RatioGaussian(VariationModel):
    """Middle levels vary `ratio` times as much as outer ones (NeFT, arXiv 2305.14561).

    spread(u) = (ratio if 0.25 < u < 0.75 else 1) / sqrt(0.4 ratio^2 + 0.6)

    Raises:
        ValueError: ratio not positive.
    """

    ratio: float

    def __post_init__(self) -> None:
        if not self.ratio > 0:
            raise ValueError(f"ratio must be positive, got {self.ratio}")

    def spread(self, u: Tensor) -> Tensor:
        if self.ratio == 1:
            return torch.ones((), dtype=u.dtype, device=u.device)
        outer = (0.4 * self.ratio**2 + 0.6) ** -0.5
        middle = (u > 0.25) & (u < 0.75)
        return torch.where(middle, self.ratio * outer, outer).to(u.dtype)


@dataclass(frozen=True)
class MeasuredGaussian(VariationModel):
    """Spread measured level by level, linear between the levels' mean conductances.

    The shape is sigma(g) over its root mean square across the levels, `sigma_d_measured`: the
    measurement itself is `sigma_d = sigma_d_measured`, any other sigma_d scales it. Mean drift
    and the tails are not part of this model. Outside the measured conductances the nearest
    level's spread holds.

    Args:
        time_s: seconds between programming (first read) and the reads.
        g: mean conductance of each level, increasing, fractions of the full range.
        sigma: standard deviation of the error at each level, fractions of the full range.

    Raises:
        ValueError: g not increasing within [0, 1], sigma not positive, or lengths unequal.
    """

    time_s: float
    g: tuple[float, ...]
    sigma: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.g) != len(self.sigma) or len(self.g) < 2:
            raise ValueError(
                "g and sigma must have the same length of at least 2, "
                f"got {len(self.g)} and {len(self.sigma)}"
            )
        if not all(0 <= a < b <= 1 for a, b in zip(self.g, self.g[1:], strict=False)):
            raise ValueError(f"g must increase within [0, 1], got {self.g}")
        if not all(s > 0 for s in self.sigma):
            raise ValueError(f"sigma must be positive, got {self.sigma}")

    @property
    def sigma_d_measured(self) -> float:
        """Root mean square over the levels of the measured spread, fraction of the full range."""
        return (sum(s**2 for s in self.sigma) / len(self.sigma)) ** 0.5

    def spread(self, u: Tensor) -> Tensor:
        g = torch.tensor(self.g, dtype=u.dtype, device=u.device)
        spread = torch.tensor(self.sigma, dtype=u.dtype, device=u.device) / self.sigma_d_measured
        upper = torch.bucketize(u, g).clamp(1, len(g) - 1)
        share = ((u - g[upper - 1]) / (g[upper] - g[upper - 1])).clamp(0, 1)
        return torch.lerp(spread[upper - 1], spread[upper], share)


_PUBLISHED = "published ratio preset, arXiv 2305.14561"

PRESETS: dict[str, RatioGaussian] = {
    model.name: model
    for model in (
        RatioGaussian("RRAM1", f"{_PUBLISHED}, abstracted from measured RRAM", ratio=1),
        RatioGaussian("FeFET2", f"{_PUBLISHED}, abstracted from measured FeFET", ratio=2),
        RatioGaussian("FeFET3", f"{_PUBLISHED}, extrapolated", ratio=3),
        RatioGaussian("RRAM4", f"{_PUBLISHED}, abstracted from measured RRAM", ratio=4),
        RatioGaussian("FeFET6", f"{_PUBLISHED}, extrapolated", ratio=6),
    )
}
"""Published presets: two-bit cells, middle levels `ratio` times as variable as outer ones."""


def from_levels(levels: pd.DataFrame, technology: str, time_s: float) -> MeasuredGaussian:
    """Take the measured spread of one technology at one time from a level table.

    Args:
        levels: level table (see `neft.measurements.level_table`).
        technology: value of its column of that name.
        time_s: seconds since the first read; one of the measured times.

    Returns:
        The model, named after the technology.

    Raises:
        ValueError: the table has no such technology or time.
    """
    rows = levels[levels.technology == technology]
    if rows.empty:
        known = ", ".join(sorted(levels.technology.unique()))
        raise ValueError(f"technology must be in the level table ({known}), got {technology!r}")
    at_time = rows[rows.time_s == time_s].sort_values("g")
    if at_time.empty:
        known = ", ".join(f"{t:g}" for t in sorted(rows.time_s.unique()))
        raise ValueError(f"time_s of {technology} must be measured ({known}), got {time_s!r}")
    return MeasuredGaussian(
        name=technology,
        source=f"level table, {technology}, {time_s:g} s after the first read",
        time_s=float(time_s),
        g=tuple(map(float, at_time.g)),
        sigma=tuple(map(float, at_time["std"])),
    )


def fit_constant(levels: pd.DataFrame) -> tuple[RatioGaussian, float]:
    """Maximum-likelihood Gaussian of one spread for all levels, each about its own mean.

    Args:
        levels: rows of one technology and time of a level table.

    Returns:
        The model, and sigma_d: the standard deviation pooled over the levels, weighted by n - 1.
    """
    model = RatioGaussian("constant", "pooled over the levels", ratio=1)
    return model, _pooled(levels)


def fit_ratio(levels: pd.DataFrame) -> tuple[RatioGaussian, float]:
    """Maximum-likelihood s-ratio Gaussian, each level about its own mean.

    s is the ratio of the spreads pooled over the middle levels (0.25 < g < 0.75) and over the
    outer ones.

    Args:
        levels: rows of one technology and time of a level table.

    Returns:
        The model, and sigma_d = (pooled outer spread) * sqrt(0.4 s^2 + 0.6).

    Raises:
        ValueError: the middle or the outer zone has no level.
    """
    middle = (levels.g > 0.25) & (levels.g < 0.75)
    if middle.all() or not middle.any():
        raise ValueError("levels must cover the middle (0.25 < g < 0.75) and the outer zone")
    inner, outer = _pooled(levels[middle]), _pooled(levels[~middle])
    s = inner / outer
    model = RatioGaussian("s-ratio", "fitted to the levels", ratio=s)
    return model, outer * (0.4 * s**2 + 0.6) ** 0.5


def _pooled(levels: pd.DataFrame) -> float:
    return float(np.average(levels["std"] ** 2, weights=levels.n - 1) ** 0.5)


def curves(fits: dict[str, tuple[VariationModel, float]], points: int = 201) -> pd.DataFrame:
    """Evaluate fitted models over the range of conductances.

    Args:
        fits: label -> (model, sigma_d).
        points: conductances from 0 to 1.

    Returns:
        Columns model (the label), g, sigma (fractions of the full range).
    """
    g = torch.linspace(0, 1, points, dtype=torch.float64)
    return pd.concat(
        pd.DataFrame({"model": label, "g": g, "sigma": (sigma_d * model.spread(g)).expand_as(g)})
        for label, (model, sigma_d) in fits.items()
    )


_KINDS: dict[str, type[VariationModel]] = {
    "ratio_gaussian": RatioGaussian,
    "measured_gaussian": MeasuredGaussian,
}


def save(model: VariationModel, path: Path | str) -> None:
    """Write a model as JSON, atomically."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(to_dict(model), indent=2) + "\n")


def load(path: Path | str) -> VariationModel:
    """Read a model written by `save`.

    Raises:
        ValueError: not JSON, an unknown kind, or missing, unknown or bad values; names the file.
    """
    try:
        return from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a variation model: {error}") from error


def to_dict(model: VariationModel) -> dict:
    """Return the model as plain values, with its kind."""
    kind = next(name for name, cls in _KINDS.items() if cls is type(model))
    return {"kind": kind, **asdict(model)}


def from_dict(values: dict) -> VariationModel:
    """Return the model that `to_dict` described."""
    values = dict(values)
    kind = values.pop("kind", None)
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {', '.join(_KINDS)}, got {kind!r}")
    lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    return _KINDS[kind](**{**values, **lists})
