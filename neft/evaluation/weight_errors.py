"""How far the weight-level model, one error a weight, is from an error for each device."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import torch

from neft._utils.seeding import generator
from neft.chip.hardware import MAPPINGS, Hardware
from neft.chip.programming import program_weight


def with_mappings(hardware: Sequence[Hardware]) -> list[Hardware]:
    """Return each hardware with each mapping, without stuck devices."""
    return [
        replace(each, mapping=mapping, stuck_low=0.0, stuck_high=0.0)
        for each in hardware
        for mapping in MAPPINGS
    ]


def with_stuck(hardware: Hardware, shares: Sequence[float]) -> dict[tuple[str, float], Hardware]:
    """Return the hardware with differential pairs of which a share is stuck at one level.

    Returns:
        ("low" or "high", share) -> hardware.
    """
    none = {"mapping": "differential", "stuck_low": 0.0, "stuck_high": 0.0}
    return {
        (level, share): replace(hardware, **none | {f"stuck_{level}": share})
        for level in ("low", "high")
        for share in shares
    }


def weight_errors(
    hardware: Sequence[Hardware], sigma_d: float, *, points: int = 64, chips: int = 2000
) -> pd.DataFrame:
    """Measure the error of programmed weights against their size.

    Args:
        hardware: devices, bits and mapping.
        sigma_d: standard deviation of a device's error, fraction of its full range.
        points: weights, evenly spaced from 0 to max|W|.
        chips: draws for each weight.

    Returns:
        Columns preset, mapping, u (|w| / max|W|), and of w' - w its mean, std, low and high, the
        1st and the 99th percentile (fractions of max|W|); quantisation is part of it.
    """
    u = torch.linspace(0, 1, points, dtype=torch.float64)
    tables = []
    for each in hardware:
        draw = generator("shortcut", each.variation.name, each.mapping)
        weights = u.expand(chips, points).contiguous()
        errors = program_weight(weights, each, sigma_d, generator=draw) - weights
        low, high = errors.quantile(torch.tensor([0.01, 0.99], dtype=u.dtype), dim=0)
        tables.append(
            pd.DataFrame(
                {
                    "preset": each.variation.name,
                    "mapping": each.mapping,
                    "u": u,
                    "mean": errors.mean(0),
                    "std": errors.std(0),
                    "low": low,
                    "high": high,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)
