"""Laws of the models made from level tables."""

import math

import pandas as pd
import pytest
import torch
from scipy import stats

from neft._utils.seeding import generator
from neft.characterize import variation_models
from neft.characterize.bundled import FOLDER, LEVELS
from neft.characterize.candidates import smoothed
from neft.characterize.reads import LEVEL_COLUMNS, QUANTILE_COLUMNS, QUANTILES, read_level_table
from neft.devices import PRESETS, MeasuredQuantiles

TABLE, RANKS = read_level_table(LEVELS), pd.read_csv(FOLDER / "ranks.csv")


def measured(technology: str, time_s: float) -> pd.DataFrame:
    return variation_models.at_time(TABLE, technology, time_s)


def aged(times: list[float] | None = None, ranks: pd.DataFrame = RANKS):
    return variation_models.aged(TABLE, ranks, "RRAM_C", times)


def drawn(model: MeasuredQuantiles, g: float, n: int, *key: str | int) -> torch.Tensor:
    """Sample errors of n devices at one conductance, at the measured size."""
    place = torch.full((n,), g, dtype=torch.float64)
    return model.sample(place, model.sigma_d_measured, generator=generator(*key))


def test_at_its_measured_sigma_d_the_model_is_the_measurement() -> None:
    rows = TABLE[(TABLE.technology == "RRAM_B") & (TABLE.time_s == 1e4)]
    model = variation_models.gaussian(measured("RRAM_B", 1e4))
    u = torch.tensor(rows.g.to_numpy())
    sigma = model.sigma_d_measured * model.spread(u)
    torch.testing.assert_close(sigma, torch.tensor(rows["std"].to_numpy()), rtol=3e-3, atol=0)


def test_curves_evaluate_each_fit() -> None:
    table = variation_models.curves(
        {"flat": (PRESETS["RRAM1"], 0.1), "two": (PRESETS["FeFET2"], 0.1)}, 5
    )
    assert table[table.model == "flat"].sigma.tolist() == pytest.approx([0.1] * 5)
    assert table[table.model == "two"].g.tolist() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize(
    ("technology", "time_s", "said"),
    [("PCM", 1e4, "'PCM'"), ("RRAM_B", 0.005, "0.01 to 10000"), ("RRAM_C", 2e5, "200000.0")],
)
def test_unmeasured_technology_or_time_is_refused(
    technology: str, time_s: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        measured(technology, time_s)


def test_at_a_measured_time_the_levels_are_the_measured_ones() -> None:
    rows = TABLE[(TABLE.technology == "RRAM_C") & (TABLE.time_s == 4)].reset_index(drop=True)
    pd.testing.assert_frame_equal(measured("RRAM_C", 4.0), rows, check_exact=True)


def test_between_measured_times_levels_are_linear_in_log_time() -> None:
    first, middle, later, last = (measured("RRAM_B", t) for t in (1.0, 10.0, 10**1.5, 100.0))
    for column in ("g", "mean", "std", "q0.01", "q0.5", "q0.995"):
        expected = (first[column] + last[column]) / 2
        pd.testing.assert_series_equal(middle[column], expected, check_names=False)
        expected = first[column] / 4 + last[column] * 3 / 4
        pd.testing.assert_series_equal(later[column], expected, check_names=False)
    assert (middle.n == first.n.combine(last.n, min)).all()


TIMES = {
    "RRAM_B": (0.01, 0.1, 1.0, 100.0, 1e3, 1e4),
    "RRAM_C": (0.01, 0.1, 1.0, 4.0, 1e5),
    "ReRAM_NIST": (0.0,),
}


@pytest.mark.parametrize(("technology", "time_s"), [(t, s) for t in TIMES for s in TIMES[t]])
def test_sampled_errors_have_the_measured_quantiles(technology: str, time_s: float) -> None:
    """At every time and level, from 1 % to 99 %, within three standard errors of the sample."""
    rows = measured(technology, time_s)
    model, n = variation_models.empirical(rows), 20_000
    probabilities = [p for p in QUANTILES if 0.01 <= p <= 0.99]
    misses = 0
    for row in rows.to_dict("records"):
        errors = drawn(model, row["g"], n, "level", row["level"])
        for p in probabilities:
            at_most = (errors <= row[f"q{p:g}"] + 1e-4).double().mean().item()
            below = (errors < row[f"q{p:g}"] - 1e-4).double().mean().item()
            slack = 3 * math.sqrt(p * (1 - p) / n) + 1 / 4096
            misses += not below - slack <= p <= at_most + slack
    assert misses <= 0.03 * len(rows) * len(probabilities)


def test_a_cell_keeps_its_rank_as_it_ages() -> None:
    models = [variation_models.empirical(measured("RRAM_C", t)) for t in (1.0, 1e5)]
    early, late = (drawn(model, 0.4, 1000, "cell") for model in models)
    assert not torch.equal(early, late)
    assert (late[early.argsort()].diff() >= -1e-12).all()


def test_probit_of_a_gaussian_level_is_its_fits_line() -> None:
    z = stats.norm.ppf(QUANTILES)
    row = pd.Series({"g": 0.5} | dict(zip(QUANTILE_COLUMNS, 0.05 * z, strict=True)))
    table = variation_models.probit(
        row, {"right": (PRESETS["RRAM1"], 0.05), "wide": (PRESETS["RRAM1"], 0.1)}
    )
    errors = {model: rows.error.to_numpy() for model, rows in table.groupby("model")}
    assert errors["measured"] == pytest.approx(errors["right"])
    assert 2 * errors["measured"] == pytest.approx(errors["wide"])


def test_time_zero_can_be_selected_but_not_interpolated() -> None:
    early = level_table_of(0.0, [0, 1, 2])
    levels = pd.concat([early, level_table_of(1.0, [0, 2]), level_table_of(100.0, [0, 1, 2])])
    assert variation_models.at_time(levels, "X", 0.0)["level"].tolist() == [0, 1, 2]
    assert variation_models.at_time(levels, "X", 10.0)["level"].tolist() == [0, 2]
    with pytest.raises(ValueError, match=r"\(1 to 100\), got 0.5"):
        variation_models.at_time(levels, "X", 0.5)


def level_table_of(time_s: float, levels: list[int]) -> pd.DataFrame:
    numbers = dict.fromkeys(LEVEL_COLUMNS, 0.1) | {"technology": "X", "time_s": time_s, "n": 9}
    return pd.DataFrame([numbers | {"level": i, "g": (i + 0.5) / 3} for i in levels])


def test_ageing_models_take_their_correlations_from_the_ranks_in_order_of_time() -> None:
    models = aged(ranks=RANKS.sample(frac=1, random_state=0))
    assert list(models) == [0.01, 0.1, 1, 4, 1e5]
    rho = RANKS.spearman[RANKS.technology == "RRAM_C"].tolist()
    r = [2 * math.sin(math.pi * value / 6) for value in rho]
    assert [len(model.correlations) for model in models.values()] == [0, 1, 2, 3, 4]
    assert models[1e5].correlations == pytest.approx(r)
    assert {model.draws for model in models.values()} == {5}
    assert models[4].quantiles == variation_models.empirical(measured("RRAM_C", 4)).quantiles


def test_a_technology_with_one_time_has_one_model_that_does_not_age() -> None:
    models = variation_models.aged(TABLE, RANKS, "ReRAM_NIST")
    assert models == {0.0: variation_models.empirical(measured("ReRAM_NIST", 0.0))}


def test_ranks_that_miss_a_time_are_refused() -> None:
    with pytest.raises(ValueError, match="ranks of RRAM_C must cover the times"):
        aged(ranks=RANKS.query("next_time_s != 1e5"))


def test_intermediate_times_do_not_change_the_correlations_of_measured_times() -> None:
    """r^s for a share s of the log time; at measured times the models are those without them."""
    known, more = aged(), aged([0.1, 0.2, 0.5, 1.0, 1.5, 4.0, 300.0, 1e5])
    r, chain = known[1e5].correlations, more[1e5].correlations
    assert math.prod(chain[:3]) == pytest.approx(r[1])
    assert math.prod(chain[3:5]) == pytest.approx(r[2])
    assert math.prod(chain[5:]) == pytest.approx(r[3])
    assert chain[0] == pytest.approx(r[1] ** math.log10(2))
    assert more[4.0].quantiles == known[4.0].quantiles
    assert aged(list(known)) == known
    assert aged([0.01, 4.0])[4.0].correlations == pytest.approx((math.prod(r[:3]),))


def test_sampled_errors_are_as_correlated_with_intermediate_times_as_without() -> None:
    """Rank correlation of 40,000 devices between the first and the last measured time."""
    n, found = 40_000, []
    for times in (None, [0.01, 0.05, 0.1, 1.0, 2.0, 4.0, 1e3, 1e5]):
        models = aged(times)
        errors = [drawn(models[t], 0.4, n, "age") for t in (0.01, 1e5)]
        found.append(stats.spearmanr(*errors).statistic)
    r = math.prod(aged()[1e5].correlations)
    expected = 6 / math.pi * math.asin(r / 2)
    assert found == pytest.approx([expected] * 2, abs=4 / math.sqrt(n))


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([0.0, 1.0], r"time_s of RRAM_C must be .*\(0.01 to 100000\), got 0.0"),
        ([1.0, 2e5], "got 200000.0"),
        ([1.0, 1.0], r"times must increase, got \[1.0, 1.0\]"),
        ([4.0, 1.0], "times must increase"),
    ],
)
def test_impossible_times_of_ageing_are_refused(times: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        aged(times)


def test_negative_rank_correlations_are_not_interpolated() -> None:
    ranks = RANKS.assign(spearman=RANKS.spearman.where(RANKS.time_s != 4, -0.5))
    assert aged([1.0, 4.0, 1e5], ranks)[1e5].correlations[-1] < 0
    with pytest.raises(ValueError, match=r"between 4 and 100000 must have a positive .*got -0.5"):
        aged([4.0, 100.0], ranks)


def test_smooth_model_is_gaussian_with_the_smoothed_mean_and_spread() -> None:
    rows = measured("RRAM_C", 1e5)
    columns = (rows[name].to_numpy(dtype=float) for name in ("g", "n", "mean", "std"))
    mean, sigma = smoothed(*columns)
    model = variation_models.smooth(rows)
    middle = QUANTILES.index(0.5)
    assert [row[middle] for row in model.quantiles] == pytest.approx(list(mean))
    ends = [(row[-1] - row[0]) / (2 * stats.norm.ppf(QUANTILES[-1])) for row in model.quantiles]
    assert ends == pytest.approx(list(sigma))
    assert model.name == "RRAM_C_smooth"
