"""Errors of programmed weights: the weight-level model compared with device-level mappings."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd
import torch

from neft._utils.seeding import generator
from neft.chip import MAPPINGS, Hardware, program_weight


def with_mappings(hardware: Sequence[Hardware]) -> list[Hardware]:
    """Return each hardware with each mapping, without stuck devices."""
    return [
        replace(each, mapping=mapping, stuck_low=0.0, stuck_high=0.0)
        for each in hardware
        for mapping in MAPPINGS
    ]


def with_stuck(hardware: Hardware, shares: Sequence[float]) -> dict[tuple[str, float], Hardware]:
    """Return the hardware with differential pairs, a share of whose devices is stuck at a level.

    Returns:
        ("low" or "high", share) -> hardware.
    """
    pairs = partial(replace, hardware, mapping="differential")
    low = {("low", share): pairs(stuck_low=share, stuck_high=0.0) for share in shares}
    return low | {("high", share): pairs(stuck_low=0.0, stuck_high=share) for share in shares}


def weight_errors(
    hardware: Sequence[Hardware], sigma_d: float, *, points: int = 64, chips: int = 2000
) -> pd.DataFrame:
    """Measure the error of programmed weights as a function of their magnitude.

    Args:
        hardware: devices, bits and mapping.
        sigma_d: standard deviation of a device's error, fraction of its full range.
        points: weights, evenly spaced from 0 to max|W|.
        chips: draws for each weight.

    Returns:
        Columns preset, mapping, u (|w| / max|W|), and mean, std, low and high (1st and 99th
        percentile) of w' - w, fractions of max|W|; the error of quantisation is included.
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
