"""Fit read noise to successive reads of one device: its spectrum, and which parts it needs.

The spectrum is Welch's, from segments that do not overlap, averaged in equal steps of log
frequency. A fit minimises the Itakura-Saito divergence of the model's spectrum S from the measured
one P, the mean over the steps of P/S - log(P/S) - 1. This is Whittle's likelihood, up to a
constant, but with equal weight for each step; otherwise nine tenths of the weight would lie above
20 Hz, and most of the noise below. Candidates are fitted to every other segment and judged by
their divergence from the segments between.

A white part is not found where the 1/f part is larger up to half the read rate: there the highest
Ornstein-Uhlenbeck process of the latter is nearly white itself.
"""

import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, signal

from neft._utils.checks import positive
from neft.devices import ReadNoise

CANDIDATES: dict[str, tuple[str, ...]] = {
    "white": ("white",),
    "white_telegraph": ("white", "telegraph"),
    "white_flicker": ("white", "flicker"),
    "all": ("white", "flicker", "telegraph"),
}
"""Parts of each candidate model, from the simplest."""

STEPS_PER_DECADE = 8
_LEAST = 1e-7  # smallest size in a search, fraction of the full range


def compare(
    reads: np.ndarray, *, rate_Hz: float, name: str, source: str, segment: int = 8192
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit every candidate to the reads of one device and judge it on held-out segments.

    Args:
        reads: conductances at successive reads, fractions of the full range.
        rate_Hz: reads per second.
        name: the device's name.
        source: where the reads come from.
        segment: reads in a segment. Changes that take longer than a segment are left out.

    Returns:
        The candidates, one row each: device, candidate; the values of `ReadNoise`, fitted to all
        segments; `held_out`, the divergence from held-out segments, a mean over both ways of
        exchanging the halves; `behind_best` and `behind_best_se`, the difference from the smallest
        one and the standard error of this paired difference over the steps; `best`, whether it is
        the smallest.

        The spectra, one row per step of frequency: device, frequency_Hz, measured, fitted (the
        best candidate's), squared fractions of the full range per Hz.

    Raises:
        ValueError: rate_Hz not positive, fewer than two segments of at least 64 reads, or reads
            that are not finite or do not differ within a segment.
    """
    frequency, density = _periodograms(reads, rate_Hz, segment)
    halves = [_in_steps(frequency, density[first::2].mean(0)) for first in (0, 1)]
    f, measured = _in_steps(frequency, density.mean(0))
    blank = ReadNoise(name, source, 0, 0, 1, 0, rate_Hz / 16, rate_Hz / segment, rate_Hz / 2)
    fits, scores = [], []
    for parts in CANDIDATES.values():
        fits.append(fit(f, measured, blank, parts, rate_Hz))
        crossed = [
            divergences(fit(*train, blank, parts, rate_Hz).spectrum(f, 1 / rate_Hz), test)
            for train, (_, test) in zip(halves, halves[::-1], strict=True)
        ]
        scores.append(np.concatenate(crossed))
    best = int(np.argmin(np.mean(scores, axis=1)))
    behind = np.array(scores) - scores[best]
    table = pd.DataFrame([asdict(each) for each in fits]).rename(columns={"name": "device"})
    table.insert(1, "candidate", list(CANDIDATES))
    table["held_out"], table["behind_best"] = np.mean(scores, axis=1), behind.mean(1)
    table["behind_best_se"] = behind.std(1) / behind.shape[1] ** 0.5
    table["best"] = table.index == best
    fitted = fits[best].spectrum(f, 1 / rate_Hz)
    columns = {"device": name, "frequency_Hz": f, "measured": measured, "fitted": fitted}
    return table, pd.DataFrame(columns)


def divergences(model: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Return P/S - log(P/S) - 1 of a model's spectrum S and a measured one P; 0 where equal."""
    ratio = measured / model
    return ratio - np.log(ratio) - 1


def fit(
    frequency_Hz: np.ndarray,
    density: np.ndarray,
    blank: ReadNoise,
    parts: tuple[str, ...],
    rate_Hz: float,
) -> ReadNoise:
    """Fit the given parts of a model to a spectrum, from six starting points.

    Args:
        frequency_Hz: [steps].
        density: one-sided, squared fractions of the full range per Hz, [steps].
        blank: the model's name, source and range of frequencies.
        parts: of "white", "flicker" and "telegraph"; the others keep the size in `blank`.
        rate_Hz: reads per second.
    """
    positive(rate_Hz=rate_Hz)
    bounds = {part: (math.log(_LEAST), 0.0) for part in parts}
    bounds |= {"exponent": (0.0, 2.0)} if "flicker" in parts else {}
    ends = math.log(blank.low_Hz), math.log(blank.high_Hz)
    bounds |= {"corner_Hz": ends} if "telegraph" in parts else {}

    def model(values: np.ndarray) -> ReadNoise:
        named: dict[str, Any] = dict(zip(bounds, map(float, values), strict=True))
        logs = named.keys() - {"exponent"}
        return replace(blank, **named | {key: math.exp(named[key]) for key in logs})

    def loss(values: np.ndarray) -> float:
        return float(divergences(model(values).spectrum(frequency_Hz, 1 / rate_Hz), density).mean())

    size = {"white": density[-1] * rate_Hz / 2, "flicker": np.trapezoid(density, frequency_Hz)}
    size["telegraph"] = size["flicker"]
    found = []
    for exponent in (0.8, 1.4):
        for share in (0.25, 0.5, 0.75):  # of the log range of frequencies
            start = {part: 0.5 * math.log(size[part] / 2) for part in parts}
            start |= {"exponent": exponent, "corner_Hz": ends[0] + share * (ends[1] - ends[0])}
            first = [np.clip(start[key], *bound) for key, bound in bounds.items()]
            ways = {"method": "L-BFGS-B", "bounds": list(bounds.values())}
            found.append(optimize.minimize(loss, first, **ways))
    return model(min(found, key=lambda each: each.fun).x)


def _periodograms(reads: np.ndarray, rate_Hz: float, segment: int) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies from two waves a segment, and the spectrum of each segment (Hann window)."""
    positive(rate_Hz=rate_Hz)
    reads = np.asarray(reads, dtype=float)
    count = len(reads) // segment if segment >= 64 else 0
    if count < 2:
        rule = "reads must fill at least 2 segments of at least 64"
        raise ValueError(f"{rule}, got {len(reads)} reads in segments of {segment}")
    parts = reads[: count * segment].reshape(count, segment)
    spread = parts.std(1)
    if not (spread > 0).all():  # false of NaN, too
        place = int(np.argmin(spread > 0))
        raise ValueError(f"reads must be finite and differ, got spread {spread[place]} in {place}")
    frequency, density = signal.welch(parts, rate_Hz, nperseg=segment)
    return frequency[2:], density[:, 2:]  # the mean is removed: one wave is not reliable


def _in_steps(frequency: np.ndarray, density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average frequencies and densities in equal steps of log frequency."""
    step = np.floor(STEPS_PER_DECADE * np.log10(frequency / frequency[0]) + 1e-9).astype(int)
    _, place, count = np.unique(step, return_inverse=True, return_counts=True)
    return np.bincount(place, frequency) / count, np.bincount(place, density) / count
