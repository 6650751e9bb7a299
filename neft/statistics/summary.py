"""Result tables: means, percentiles and paired differences, each with its interval."""

from collections.abc import Hashable, Sequence
from dataclasses import astuple

import numpy as np
import pandas as pd

from neft.statistics.confidence import (
    crossed_bootstrap,
    interval_over_seeds,
    quantile_bounds,
    wilson_interval,
)


def summarise(draws: pd.DataFrame, by: Sequence[str] = ("method", "sigma_d")) -> pd.DataFrame:
    """Make the result table: one row per method and sigma_d.

    Args:
        draws: columns seed, chip, accuracy and those of `by`; one row per seed and chip.
        by: columns that identify a row of the table.

    Returns:
        Rows in order of appearance: the columns of `by`, then

        - seeds, chips (per seed).
        - accuracy: mean over seeds of the mean over chips; low, high, low_99, high_99: its 95 % and
          99 % interval over seeds and chips (`crossed_bootstrap`, cut to [0, 1]).
        - chip_std: standard deviation over chips, root mean square over seeds.
        - p1, p5, p95: percentiles over all chips of all seeds, also called k-th percentile
          performance (KPP). p1_low, p1_high, p5_low, p5_high: their 95 % interval over seeds and
          chips (`quantile_bounds`); a bound is NaN where there are too few draws for it.
        - worst: accuracy of the worst chip of all seeds. It falls with the number of chips.

        With one seed, all bounds are NaN: nothing is known about other seeds.

    Raises:
        ValueError: a seed lacks chips that others have.
    """
    rows = []
    for key, group in draws.groupby(list(by), sort=False):
        table = _table(group.pivot(index="seed", columns="chip", values="accuracy"))
        p1, p5, p95 = np.percentile(table, [1, 5, 95])
        row = [*key, *table.shape, table.mean(), *_bounds(table, 0.95, 0.99).clip(0, 1)]
        row += [np.sqrt(group.groupby("seed").accuracy.var().mean())]
        row += [p1, *quantile_bounds(table, 0.01), p5, *quantile_bounds(table, 0.05), p95]
        rows.append([*row, table.min()])
    columns = ["seeds", "chips", "accuracy", "low", "high", "low_99", "high_99", "chip_std"]
    columns += ["p1", "p1_low", "p1_high", "p5", "p5_low", "p5_high", "p95", "worst"]
    return pd.DataFrame(rows, columns=[*by, *columns])


QUANTITIES = (
    "predictive_entropy",
    "mutual_information",
    "reverse_mutual_information",
    "ekl",
    "largest_probability",
    "true_probability",
    "calibration_error",
    "ensemble_calibration_error",
)
"""The quantities that `neft.evaluation.uncertainty.OverChips` returns for a network."""


def summarise_uncertainty(uncertainty: pd.DataFrame) -> pd.DataFrame:
    """Average the uncertainty quantities over seeds.

    Args:
        uncertainty: columns method, sigma_d, seed and `QUANTITIES`; one row per network.

    Returns:
        Columns method, sigma_d, quantity, seeds, mean, low, high (95 % t interval over seeds; NaN
        with one seed).
    """
    rows = []
    for (method, sigma_d), group in uncertainty.groupby(["method", "sigma_d"], sort=False):
        for quantity in QUANTITIES:
            interval = interval_over_seeds(group[quantity])
            about = {"method": method, "sigma_d": sigma_d, "quantity": quantity}
            rows.append({**about, "seeds": len(group), **vars(interval)})
    return pd.DataFrame(rows)


def uncertainty_differences(
    uncertainty: pd.DataFrame, against: str = "noise_injection"
) -> pd.DataFrame:
    """Compare the uncertainty quantities of every method with those of one, seed by seed.

    Args:
        uncertainty: columns method, sigma_d, seed and `QUANTITIES`; one row per network.
        against: the method that the others are compared with.

    Returns:
        Columns method, against, sigma_d, quantity, seeds, difference, low, high (95 % t interval
        over seeds, on these chips; NaN with one seed); no rows if `against` was not run.

    Raises:
        ValueError: two methods were not run with the same sigma_d and seeds.
    """
    rows: list[list] = []
    for quantity in QUANTITIES if (uncertainty.method == against).any() else ():
        pairs = _pairs(uncertainty, "method", quantity, against, ["sigma_d", "seed"])
        for method in pairs:
            for sigma_d, values in pairs[method].groupby("sigma_d"):
                ends = astuple(interval_over_seeds(values))
                rows.append([method, against, sigma_d, quantity, len(values), *ends])
    columns = ["method", "against", "sigma_d", "quantity", "seeds", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def summarise_convergence(history: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Count the runs that converge: the last validation accuracy, under noise, is high enough.

    Args:
        history: columns method, sigma_d, seed, epoch, train_loss, validation_accuracy.
        threshold: the last epoch's validation accuracy must exceed it, a fraction. A run whose
            last loss is not finite has not converged.

    Returns:
        Columns method, sigma_d, seeds, mean (share of converged runs), low, high (its 95 % Wilson
        interval).
    """
    run = ["method", "sigma_d", "seed"]
    last = history.sort_values("epoch", kind="stable").drop_duplicates(run, keep="last")
    last = last.assign(
        converged=(last.validation_accuracy > threshold) & np.isfinite(last.train_loss)
    )
    rows = []
    for (method, sigma_d), runs in last.groupby(run[:2], sort=False):
        interval = wilson_interval(int(runs.converged.sum()), len(runs))
        rows.append({"method": method, "sigma_d": sigma_d, "seeds": len(runs), **vars(interval)})
    return pd.DataFrame(rows)


REFERENCES = ("noise_injection", "scaled_logits")
"""The methods that others are compared with: the usual defence, and OVF or IRS without feedback."""

RECIPE = "recipe"
"""Name of the best known combination of settings in a run: what a new method has to beat."""


def differences_from_references(draws: pd.DataFrame) -> pd.DataFrame:
    """Compare every method with each of `REFERENCES` and with the recipe, if they were run.

    Args:
        draws: columns method, sigma_d, seed, chip, accuracy; one row per seed and chip.

    Returns:
        The table of `paired_differences`, with the columns method, against, sigma_d and so on.

    Raises:
        ValueError: two methods were not run with the same sigma_d, seeds and chips.
    """
    run = [each for each in (*REFERENCES, RECIPE) if (draws.method == each).any()]
    tables = [paired_differences(draws, "method", against=each, by=["sigma_d"]) for each in run]
    if not tables:
        return pd.DataFrame(columns=["method", "against", "sigma_d", *_DIFFERENCE])
    return pd.concat(tables, ignore_index=True)


_DIFFERENCE = ("seeds", "chips", "difference", "low", "high")


def paired_differences(
    draws: pd.DataFrame, column: str, *, against: Hashable, by: list[str]
) -> pd.DataFrame:
    """Compare the values of one column by paired differences over crossed seeds and chips.

    All values share their seeds and chips. Differences are taken within each pair of seed and
    chip, so that effects of seeds and chips common to both cancel.

    Args:
        draws: columns seed, chip, accuracy, `column` and those of `by`; one row per seed and chip.
        column: what is compared, for example the method.
        against: the value of `column` that the others are compared with.
        by: columns within which values are compared, for example sigma_d.

    Returns:
        `column`, against, the columns of `by`, seeds, chips (per seed), difference (of mean
        accuracy), low, high (its 95 % interval over seeds and chips; NaN with one seed).

    Raises:
        ValueError: `against` is missing, or seeds and chips are not the same for all values.
    """
    pairs = _pairs(draws, column, "accuracy", against, [*by, "seed", "chip"])
    rows = []
    for value in pairs:
        for key, group in pairs[value].groupby(by):
            rows.append([value, against, *key, *crossed_mean(group.droplevel(by).unstack("chip"))])
    return pd.DataFrame(rows, columns=[column, "against", *by, *_DIFFERENCE])


def crossed_mean(table: pd.DataFrame) -> tuple[int, int, float, float, float]:
    """Return seeds, chips, mean, and low and high of its 95 % interval; NaN with one seed.

    Args:
        table: [seeds, chips].

    Raises:
        ValueError: a seed lacks chips that others have.
    """
    values = _table(table)
    low, high = _bounds(values, 0.95)
    return *values.shape, values.mean(), low, high


def differences_from_matched(draws: pd.DataFrame, trained: str, tested: str) -> pd.DataFrame:
    """Compare networks with those that were trained for the condition they are tested on.

    Args:
        draws: columns seed, chip, accuracy and these two; one row per seed and chip.
        trained: column of the condition in training, for example sigma_d in training.
        tested: column of the condition in the test.

    Returns:
        The table of `summarise`, one row per pair of conditions, and difference, difference_low,
        difference_high: paired differences from the networks trained for the tested condition, 0
        on the diagonal. With one seed, all bounds are NaN.

    Raises:
        ValueError: no network was trained for one of the tested conditions.
    """
    compared = pd.concat(
        paired_differences(rows, trained, against=at, by=[tested])
        for at, rows in draws.groupby(tested)
    ).rename(columns={"low": "difference_low", "high": "difference_high"})
    keys, found = [trained, tested], ["difference", "difference_low", "difference_high"]
    table = summarise(draws, by=keys).merge(compared[[*keys, *found]], on=keys, how="left")
    table.loc[table[trained] == table[tested], found] = 0.0
    return table


def _pairs(
    draws: pd.DataFrame, column: str, quantity: str, against: Hashable, index: list[str]
) -> pd.DataFrame:
    """One column per other value of `column`: its differences of a quantity from `against`."""
    wide = draws.pivot(index=index, columns=column, values=quantity)
    if against not in wide or wide.isna().any(axis=None):
        same = " and ".join([", ".join(index[:-1]), index[-1]])
        raise ValueError(f"draws: every {column} must have the same {same} as {against}")
    others = [value for value in draws[column].unique() if value != against]
    return wide[others].sub(wide[against], axis=0)


def _table(draws: pd.DataFrame) -> np.ndarray:
    if draws.isna().any(axis=None):
        raise ValueError("draws: every seed must have the same chips")
    return draws.to_numpy()


def _bounds(table: np.ndarray, *levels: float) -> np.ndarray:
    """Low and high for each level, with the same resamples for every table; NaN with one seed."""
    if len(table) == 1:
        return np.full(2 * len(levels), np.nan)
    means = crossed_bootstrap(table, generator=np.random.default_rng(0))
    return np.quantile(
        means, [end for level in levels for end in ((1 - level) / 2, (1 + level) / 2)]
    )
