"""The result table and the differences between methods: what the draws of all methods say."""

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from neft.statistics.confidence import (
    crossed_bootstrap,
    quantile_bounds,
    student_interval,
    wilson_interval,
)


def summarise(draws: pd.DataFrame, by: Sequence[str] = ("method", "sigma_d")) -> pd.DataFrame:
    """Make the result table: one row for each method and sigma_d.

    Args:
        draws: columns seed, chip, accuracy and those of `by`; a row a chip.
        by: what a row of the table is for.

    Returns:
        In the order of appearance, the columns of `by`, then:

        - seeds, chips (per seed).
        - accuracy: mean over seeds of the mean over chips; low, high, low_99, high_99: its 95 % and
          99 % interval over seeds and chips (`crossed_bootstrap`, cut to [0, 1]).
        - chip_std: spread over chips, root mean square over seeds.
        - p1, p5, p95: percentiles over all chips of all seeds; the k-th is also called k-th
          percentile performance (KPP). p1_low, p1_high, p5_low, p5_high: their 95 % interval over
          seeds and chips, where there are enough to have it (`quantile_bounds`).
        - worst: accuracy of the worst chip of all seeds. It falls with the number of chips.

    Raises:
        ValueError: a seed lacks chips that others have.
    """
    rows = []
    for key, group in draws.groupby(list(by), sort=False):
        table = _table(group.pivot(index="seed", columns="chip", values="accuracy"))
        low, high, low_99, high_99 = _bounds(table, 0.95, 0.99).clip(0, 1)
        p1, p5, p95 = np.percentile(table, [1, 5, 95])
        p1_low, p1_high = quantile_bounds(table, 0.01)
        p5_low, p5_high = quantile_bounds(table, 0.05)
        rows.append(
            {
                **dict(zip(by, key, strict=True)),
                "seeds": len(table),
                "chips": table.shape[1],
                "accuracy": table.mean(),
                "low": low,
                "high": high,
                "low_99": low_99,
                "high_99": high_99,
                "chip_std": np.sqrt(group.groupby("seed").accuracy.var().mean()),
                "p1": p1,
                "p1_low": p1_low,
                "p1_high": p1_high,
                "p5": p5,
                "p5_low": p5_low,
                "p5_high": p5_high,
                "p95": p95,
                "worst": table.min(),
            }
        )
    return pd.DataFrame(rows)


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
"""What `neft.evaluation.uncertainty.OverChips` gives for a network."""


def summarise_uncertainty(uncertainty: pd.DataFrame) -> pd.DataFrame:
    """Summarise over seeds what chips disagree on.

    Args:
        uncertainty: columns method, sigma_d, seed and `QUANTITIES`; a row a network.

    Returns:
        Columns method, sigma_d, quantity, seeds, mean, low, high (95 % t interval over seeds).
    """
    rows = []
    for (method, sigma_d), group in uncertainty.groupby(["method", "sigma_d"], sort=False):
        for quantity in QUANTITIES:
            interval = student_interval(group[quantity])
            about = {"method": method, "sigma_d": sigma_d, "quantity": quantity}
            rows.append({**about, "seeds": len(group), **vars(interval)})
    return pd.DataFrame(rows)


def summarise_convergence(history: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Say how often training converges: ends above a validation accuracy, under noise.

    Args:
        history: columns method, sigma_d, seed, epoch, train_loss, validation_accuracy.
        threshold: what the last epoch's validation accuracy must exceed, a fraction; a run
            whose loss is not finite there has not converged.

    Returns:
        Columns method, sigma_d, seeds, mean (share of converged runs), low, high (its 95 %
        Wilson interval).
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
"""What a method is compared with: the usual defence, and feedback training without feedback."""


def differences_from_references(draws: pd.DataFrame) -> pd.DataFrame:
    """Compare every method with each of `REFERENCES` that was run, at every sigma_d.

    Args:
        draws: columns method, sigma_d, seed, chip, accuracy; a row a chip.

    Returns:
        The columns of `paired_differences`: method, against, sigma_d and so on.

    Raises:
        ValueError: two methods were not run with the same sigma_d, seeds and chips.
    """
    run = [each for each in REFERENCES if (draws.method == each).any()]
    tables = [paired_differences(draws, "method", against=each, by=["sigma_d"]) for each in run]
    if not tables:
        return pd.DataFrame(columns=["method", "against", "sigma_d", *_GAIN])
    return pd.concat(tables, ignore_index=True)


_GAIN = ("seeds", "chips", "difference", "low", "high")


def paired_differences(
    draws: pd.DataFrame, column: str, *, against: Hashable, by: list[str]
) -> pd.DataFrame:
    """Compare rows that differ in one column.

    All of them share their seeds and meet the same chips, so that differences are taken pair by
    pair, which leaves out what seeds and chips do to both.

    Args:
        draws: columns seed, chip, accuracy, `column` and those of `by`; a row a chip.
        column: what is compared, for example the method.
        against: the value of `column` that the others are compared with.
        by: what a comparison is for, for example sigma_d.

    Returns:
        `column`, against, the columns of `by`, seeds, chips (per seed), difference (of mean
        accuracy), low, high (its 95 % interval over seeds and chips).

    Raises:
        ValueError: `against` was not run, or not everything with the same seeds and chips.
    """
    wide = draws.pivot(index=[*by, "seed", "chip"], columns=column, values="accuracy")
    if against not in wide or wide.isna().any(axis=None):
        same = ", ".join([*by, "seeds"])
        raise ValueError(f"draws: every {column} must have the same {same} and chips as {against}")
    rows = []
    for value in draws[column].unique():
        for key, pairs in (wide[value] - wide[against]).groupby(by) if value != against else ():
            table = _table(pairs.droplevel(by).unstack("chip"))
            low, high = _bounds(table, 0.95)
            rows.append([value, against, *key, *table.shape, table.mean(), low, high])
    return pd.DataFrame(rows, columns=[column, "against", *by, *_GAIN])


def differences_from_matched(draws: pd.DataFrame, trained: str, tested: str) -> pd.DataFrame:
    """Make a matrix of what networks were trained for against what they are tested on.

    Args:
        draws: columns sigma_d, seed, chip, accuracy and these two; a row a chip.
        trained: column of what a network was trained for.
        tested: column of what it is tested on.

    Returns:
        Those of `summarise`, a row a pair, and difference, difference_low,
        difference_high: against the networks that were trained for what they are tested on,
        with the same seeds and chips, 0 on the diagonal.

    Raises:
        ValueError: no network was trained for something that others are tested on.
    """
    compared = pd.concat(
        paired_differences(rows, trained, against=at, by=[tested])
        for at, rows in draws.groupby(tested)
    ).rename(columns={"low": "difference_low", "high": "difference_high"})
    keys, found = [trained, tested], ["difference", "difference_low", "difference_high"]
    table = summarise(draws, by=keys).merge(compared[[*keys, *found]], on=keys, how="left")
    table.loc[table[trained] == table[tested], found] = 0.0
    return table


def _table(draws: pd.DataFrame) -> np.ndarray:
    if draws.isna().any(axis=None):
        raise ValueError("draws: every seed must have the same chips")
    return draws.to_numpy()


def _bounds(table: np.ndarray, *levels: float) -> np.ndarray:
    """Low and high for each level; every table meets the same resamples."""
    means = crossed_bootstrap(table, generator=np.random.default_rng(0))
    return np.quantile(
        means, [end for level in levels for end in ((1 - level) / 2, (1 + level) / 2)]
    )
