"""Laws of the models made from level tables."""

import math

import pandas as pd
import pytest
import torch

from neft import fits
from neft.embedded import LEVELS
from neft.measurements import read_level_table
from neft.presets import PRESETS
from neft.variation import RatioGaussian


def level_rows(sigma: list[float], n: int = 500) -> pd.DataFrame:
    g = [(i + 0.5) / len(sigma) for i in range(len(sigma))]
    return pd.DataFrame(
        {"technology": "X", "time_s": 1.0, "g": g, "std": sigma, "n": [n] * len(sigma)}
    )


def test_at_its_measured_sigma_d_the_model_is_the_measurement() -> None:
    levels = read_level_table(LEVELS)
    rows = levels[(levels.technology == "RRAM_B") & (levels.time_s == 1e4)]
    model = fits.from_levels(levels, "RRAM_B", 1e4)
    u = torch.tensor(rows.g.to_numpy())
    sigma = model.sigma_d_measured * model.spread(u)
    torch.testing.assert_close(sigma, torch.tensor(rows["std"].to_numpy()), rtol=3e-3, atol=0)


def test_ratio_fit_recovers_ratio_and_size() -> None:
    truth = RatioGaussian("truth", "", ratio=3)
    g = torch.tensor([(i + 0.5) / 32 for i in range(32)], dtype=torch.float64)
    model, sigma_d = fits.fit_ratio(level_rows((0.05 * truth.spread(g)).tolist()))
    assert (model.ratio, sigma_d) == pytest.approx((3, 0.05))


def test_constant_fit_pools_variances_by_degrees_of_freedom() -> None:
    rows = level_rows([0.01, 0.03]).assign(n=[11, 31])
    _, sigma_d = fits.fit_constant(rows)
    assert sigma_d == pytest.approx(math.sqrt((10 * 0.01**2 + 30 * 0.03**2) / 40))


def test_ratio_fit_needs_both_zones() -> None:
    with pytest.raises(ValueError, match="outer zone"):
        fits.fit_ratio(level_rows([0.01, 0.02, 0.01, 0.01]).query("0.3 < g < 0.7"))


def test_curves_evaluate_each_fit() -> None:
    table = fits.curves({"flat": (PRESETS["RRAM1"], 0.1), "two": (PRESETS["FeFET2"], 0.1)}, 5)
    assert table[table.model == "flat"].sigma.tolist() == pytest.approx([0.1] * 5)
    assert table[table.model == "two"].g.tolist() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize(
    ("technology", "time_s", "said"), [("PCM", 1e4, "'PCM'"), ("RRAM_B", 5.0, "got 5.0")]
)
def test_unmeasured_technology_or_time_is_refused(
    technology: str, time_s: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        fits.from_levels(read_level_table(LEVELS), technology, time_s)
