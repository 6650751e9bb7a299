"""Main effects and interactions of two-level factors, with intervals over seeds and chips."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from neft.statistics.summary import crossed_mean


def effects(
    draws: pd.DataFrame, factors: Mapping[str, Sequence[str]], by: Sequence[str] = ("sigma_d",)
) -> pd.DataFrame:
    """Estimate what each factor does, and how much more it does beside another one.

    A main effect is the mean over all combinations of the other factors of the change of accuracy
    from the first level to the second. The interaction of two is half the difference of the first
    one's effects at the second and at the first level of the other, so that an effect plus (minus)
    the interaction is the effect at the other's second (first) level (Box, Hunter and Hunter,
    Statistics for Experimenters, 2nd edition, 2005, chapter 5).

    All combinations share their seeds and chips: a contrast is taken within each pair of seed and
    chip, and what seeds and chips have in common cancels.

    Of a fraction of the combinations the same contrasts are taken, if none of them hides another.

    Args:
        draws: columns seed, chip, accuracy, one for each factor with its level, and those of `by`;
            one row per combination, seed and chip.
        factors: factor -> its first and second level.
        by: columns within which effects are estimated.

    Returns:
        The columns of `by`, factor, beside ("" for a main effect), seeds, chips (per seed), effect,
        low, high (95 % interval over seeds and chips; NaN with one seed).

    Raises:
        ValueError: combinations are missing in a way that lets one effect hide another, or they do
            not share seeds and chips.
    """
    names = list(factors)
    terms = [(name,) for name in names] + list(combinations(names, 2))
    rows = []
    for key, group in draws.groupby(list(by)):
        wide = group.pivot(index=["seed", "chip"], columns=names, values="accuracy")
        signs = {name: _signs(wide.columns, name, factors[name]) for name in names}
        contrasts = {term: np.prod([signs[name] for name in term], axis=0) for term in terms}
        if wide.isna().any(axis=None) or not _tell_apart(list(contrasts.values())):
            rule = "must hold every combination of levels, or half, with the same seeds and chips"
            raise ValueError(f"draws {rule}, got {len(wide.columns)} of {2 ** len(names)}")
        for term in terms:
            contrast = (wide * contrasts[term]).sum(axis=1) / (len(wide.columns) / 2)
            factor, beside = term if len(term) == 2 else (*term, "")
            rows.append([*key, factor, beside, *crossed_mean(contrast.unstack("chip"))])
    columns = ["factor", "beside", "seeds", "chips", "effect", "low", "high"]
    return pd.DataFrame(rows, columns=[*by, *columns])


def _tell_apart(contrasts: Sequence[np.ndarray]) -> bool:
    """Say whether contrasts of -1 and +1 are orthogonal to each other and to the mean."""
    design = np.column_stack([np.ones_like(contrasts[0]), *contrasts])
    return np.array_equal(design.T @ design, len(design) * np.eye(design.shape[1]))


def _signs(columns: pd.Index, name: str, levels: Sequence[str]) -> np.ndarray:
    """-1 where a factor is at its first level, +1 at its second."""
    values = columns.get_level_values(name)
    return values.map({levels[0]: -1.0, levels[1]: 1.0}).to_numpy()
