"""Published ratios of the middle levels' spread to the outer ones', beside the fitted ratio."""

import numpy as np
import pandas as pd

from neft.characterize.candidates import fit_ratio_gaussian
from neft.characterize.levels import mean_square
from neft.devices import PRESETS, RatioGaussian


def published_ratios(levels: pd.DataFrame) -> pd.DataFrame:
    """Fit the s-ratio Gaussian with free s, and with the s of each published preset.

    The fit is that of the candidate `s_ratio` of `neft.characterize.candidates`: maximum
    likelihood, mean zero, all cells.

    Args:
        levels: rows of one technology at one time of a level table.

    Returns:
        One row per model, the fitted one first: model, s, sigma_d; `log_likelihood` per read;
        `behind_fitted`, the fitted model's log likelihood minus this one's; `aic_behind`, AIC
        minus the fitted model's AIC, in which a fitted s counts as a parameter.
    """
    g, n, square = levels.g.to_numpy(), levels.n.to_numpy(), mean_square(levels)
    ratios: dict[str, float | None] = {"fitted": None}
    ratios |= {m.name: m.ratio for m in PRESETS.values() if isinstance(m, RatioGaussian)}
    rows = []
    for name, ratio in ratios.items():
        s, sigma_d, sigma = fit_ratio_gaussian(g, n, square, ratio)
        log_variance = np.average(2 * np.log(sigma), weights=n)
        rows.append((name, s, sigma_d, -(np.log(2 * np.pi) + log_variance + 1) / 2))
    table = pd.DataFrame(rows, columns=["model", "s", "sigma_d", "log_likelihood"])
    table["behind_fitted"] = table.log_likelihood[0] - table.log_likelihood
    table["aic_behind"] = 2 * n.sum() * table.behind_fitted - 2 * (table.model != "fitted")
    return table
