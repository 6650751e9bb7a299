"""The published ratios of the middle levels' spread to the outer ones', beside the measured one."""

import numpy as np
import pandas as pd

from neft.characterize.candidates import zones
from neft.devices.presets import PRESETS
from neft.devices.variation import RatioGaussian


def published_ratios(levels: pd.DataFrame) -> pd.DataFrame:
    """Fit the s-ratio Gaussian with s free, and with s of each published preset.

    By maximum likelihood, with mean zero, as the candidate `s_ratio` of
    `neft.characterize.candidates`; of all cells, whose errors' mean square follows from mean and
    standard deviation of their level.

    Args:
        levels: rows of one technology at one time of a level table.

    Returns:
        A row a model, the fitted one first: model, s, sigma_d; `log_likelihood` a read;
        `behind_fitted`, how far that is behind the fitted s's; `aic_behind`, by how much AIC is
        higher, in which a fitted s counts as a parameter.
    """
    n = levels.n.to_numpy()
    square = levels["mean"].to_numpy() ** 2 + levels["std"].to_numpy() ** 2 * (n - 1) / n
    middle = zones(levels.g.to_numpy())
    inner, outer = (np.average(square[zone], weights=n[zone]) for zone in (middle, ~middle))
    models = {"fitted": float(np.sqrt(inner / outer))}
    models |= {m.name: m.ratio for m in PRESETS.values() if isinstance(m, RatioGaussian)}
    rows = []
    for name, s in models.items():
        shape = np.where(middle, s, 1) ** 2 / (0.4 * s**2 + 0.6)
        sigma_d = np.sqrt(np.average(square / shape, weights=n))
        spread = np.log(2 * np.pi * sigma_d**2) + np.average(np.log(shape), weights=n)
        rows.append((name, s, sigma_d, -(spread + 1) / 2))
    table = pd.DataFrame(rows, columns=["model", "s", "sigma_d", "log_likelihood"])
    table["behind_fitted"] = table.log_likelihood[0] - table.log_likelihood
    table["aic_behind"] = 2 * n.sum() * table.behind_fitted - 2 * (table.model != "fitted")
    return table
