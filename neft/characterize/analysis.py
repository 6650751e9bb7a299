"""All tables of one technology from its reads: level table and comparison of candidate models.

    neft characterize reads.csv --technology mine --g-max-uS 50 --output mine

writes `levels.csv`, `candidates.csv`, `distances.csv`, `intervals.csv` and `ranks.csv` into the
folder `mine`. To use them, set `folder` and `technologies` of `variation` in params.yaml.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from neft._utils.files import atomic_path
from neft.characterize.levels import level_errors, rank_correlations, summarise_levels
from neft.characterize.model_selection import compare
from neft.characterize.parameter_intervals import intervals


def characterize(
    reads: pd.DataFrame,
    *,
    technology: str,
    g_max_S: float,
    levels: int = 32,
    seed: int = 0,
    quiet: bool = False,
) -> dict[str, pd.DataFrame]:
    """Summarise reads by time and level, and compare the candidate models at every time.

    Args:
        reads: see `neft.characterize.reads.check_reads`.
        technology: its name in the tables.
        g_max_S: upper end of the conductance range, in siemens.
        levels: number of equal parts of the range, or the most targets that are levels themselves.
        seed: of the random halves of cells and of the bootstrap.
        quiet: show no progress bar.

    Returns:
        Tables by name. `levels`: the level table. `ranks`: the rank correlations between times.
        `candidates` and `distances`: the two tables of `neft.characterize.model_selection.compare`,
        the first with the number of levels. `intervals`: that of
        `neft.characterize.parameter_intervals.intervals`. The last three begin with technology and
        time_s; `distances` and `intervals` give level and g, as the level table does.

    Raises:
        ValueError: see `level_errors` and `neft.characterize.model_selection.compare`.
    """
    errors = level_errors(reads, g_max_S=g_max_S, levels=levels)
    table = summarise_levels(errors, technology=technology, g_max_S=g_max_S)
    made: dict[str, list[pd.DataFrame]] = {"candidates": [], "distances": [], "intervals": []}
    label = f"compare models of {technology}"
    for time_s, rows in tqdm(errors.groupby("time_s"), label, disable=quiet):
        by_level = rows.groupby("level")
        g = by_level.g.mean()
        groups = [group.error.to_numpy() for _, group in by_level]
        compared, distances = compare(g.to_numpy(), groups, rng=np.random.default_rng(seed))
        bounds = intervals(g.to_numpy(), groups, rng=np.random.default_rng(seed))
        compared.insert(0, "levels", len(groups))
        new = (compared, _at_levels(distances, g), _at_levels(bounds, g))
        for tables, each in zip(made.values(), new, strict=True):
            each.insert(0, "technology", technology)
            each.insert(1, "time_s", time_s)
            tables.append(each)
    together = {name: pd.concat(tables, ignore_index=True) for name, tables in made.items()}
    ranks = rank_correlations(errors, technology=technology)
    return {"levels": table, **together, "ranks": ranks}


def _at_levels(table: pd.DataFrame, g: pd.Series) -> pd.DataFrame:
    """Replace the column place, a position in `g`, by level and g."""
    levels = g.reset_index().rename_axis("place").reset_index()
    return levels.merge(table, how="right", on="place").drop(columns="place")


def write(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Write each table as a CSV file into a folder, atomically."""
    for name, table in tables.items():
        with atomic_path(folder / f"{name}.csv") as partial:
            table.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")
