"""Named devices at a time since they were programmed."""

from functools import cache, lru_cache

import numpy as np
import pandas as pd

from neft._utils.checks import one_of
from neft.characterize import bundled
from neft.characterize.reads import read_level_table
from neft.characterize.variation_models import at_time, empirical, gaussian, smooth
from neft.chip import Hardware
from neft.devices import MODEL_NAMES, PRESETS, DriftingGaussian
from neft.devices.presets import YEAR_S

DRIFT_TIMES_S = (0.0, 60.0, 3600.0, 86_400.0, 30 * 86_400.0, YEAR_S)
"""Times of presets that drift: the first read, then a minute to a year after it."""
_MODELS = {"": gaussian, "_smooth": smooth, "_quantiles": empirical}  # by the end of the name


@cache
def _levels() -> pd.DataFrame:
    return read_level_table(bundled.LEVELS)


def _measured(device: str) -> tuple[str, str] | None:
    """Split the name of measured devices into technology and model; None of a published preset."""
    one_of(MODEL_NAMES, device=device)
    for technology in _levels().technology.unique():
        ending = device.removeprefix(technology)
        if ending != device and ending in _MODELS:
            return technology, ending
    return None


def times(device: str) -> list[float]:
    """List times, s, from the first read of measured devices to the last.

    They are the measured times and two to a decade between them; `DRIFT_TIMES_S` of published
    presets that drift, and none of others.

    Args:
        device: in `neft.devices.MODEL_NAMES`.

    Raises:
        ValueError: the name is unknown.

    >>> times("RRAM_C")[-3:], times("RRAM1")
    ([10000.0, 31600.0, 100000.0], [])
    """
    measured = _measured(device)
    if measured is None:
        return list(DRIFT_TIMES_S) if isinstance(PRESETS[device], DriftingGaussian) else []
    levels = _levels()
    known = {float(time) for time in levels.time_s[levels.technology == measured[0]]}
    positive = [time for time in known if time > 0]
    if positive:
        halves = np.arange(2 * np.log10(min(positive)), 2 * np.log10(max(positive)))
        known |= {float(f"{10 ** (half / 2):.3g}") for half in halves}
    return sorted(known)


@lru_cache(maxsize=64)
def hardware_at(device: str, time_s: float | None = None) -> Hardware:
    """Return named devices with the default bits, at a time.

    Args:
        device: in `neft.devices.MODEL_NAMES`.
        time_s: seconds since programming (or since the first read), of devices that have `times`;
            None for their last time, or for others.

    Raises:
        ValueError: the name is unknown, the devices have no time, or it is outside those measured.
    """
    measured = _measured(device)
    if time_s is None:
        return Hardware.load(device)
    if measured is None:
        preset = PRESETS[device]
        if isinstance(preset, DriftingGaussian):
            return Hardware(preset.at(time_s))
        raise ValueError(f"time_s of {device} must be None, as it was not measured, got {time_s}")
    technology, ending = measured
    return Hardware(_MODELS[ending](at_time(_levels(), technology, time_s)))
