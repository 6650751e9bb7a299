"""From a technology's reads to everything that the pipeline asks of it: levels and candidates.

    python -m neft.characterise reads.csv --technology mine --g-max-uS 50 --output mine

writes `levels.csv`, `candidates.csv`, `distances.csv`, `intervals.csv` and `ranks.csv` into the
folder `mine`, which `folder` of params.yaml's `variation` names; its `technologies` name the
technology.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from neft.comparison import compare
from neft.files import atomic_path
from neft.intervals import intervals
from neft.levels import level_errors, rank_correlations, summarise_levels
from neft.measurements import read_reads


def characterise(
    reads: pd.DataFrame, *, technology: str, g_max_S: float, levels: int = 32, seed: int = 0
) -> dict[str, pd.DataFrame]:
    """Summarise reads by time and level, and compare the candidate models at every time.

    Args:
        reads: see `neft.measurements.check_reads`.
        technology: the name that the tables' rows carry.
        g_max_S: upper end of the conductance range, in siemens.
        levels: number of equal parts of the range.
        seed: of the halves of cells and the bootstrap.

    Returns:
        `levels`, the level table; `ranks`, the rank correlations in time; and, with columns
        technology and time_s before their own: `candidates`, the comparison of
        `neft.comparison.compare` with the number of levels; `distances`, the distances of its
        held-out cells; `intervals`, those of `neft.intervals.intervals`. The latter two name a
        level by level and g as the level table does.

    Raises:
        ValueError: see `neft.levels.level_errors` and `neft.comparison.compare`.
    """
    errors = level_errors(reads, g_max_S=g_max_S, levels=levels)
    table = summarise_levels(errors, technology=technology, g_max_S=g_max_S)
    made = {"candidates": [], "distances": [], "intervals": []}
    for time_s, rows in tqdm(errors.groupby("time_s"), f"compare models of {technology}"):
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
    """Put the level and its conductance in the place of a level's place in `g`."""
    levels = g.reset_index().rename_axis("place").reset_index()
    return levels.merge(table, how="right", on="place").drop(columns="place")


def write(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Write tables as CSV into a folder, each whole or not at all."""
    for name, table in tables.items():
        with atomic_path(folder / f"{name}.csv") as partial:
            table.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")


def main() -> None:
    """Make the tables of one technology; exit 1 with one line if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m neft.characterise", description=main.__doc__)
    parser.add_argument("reads", type=Path, help="CSV, CSV.GZ or Parquet")
    parser.add_argument("--technology", required=True, help="what to call it")
    parser.add_argument("--g-max-uS", type=float, required=True, help="end of the range")
    parser.add_argument("--levels", type=int, default=32, help="equal parts of the range")
    parser.add_argument("--output", type=Path, required=True, help="folder for the tables")
    given = parser.parse_args()
    try:
        tables = characterise(
            read_reads(given.reads),
            technology=given.technology,
            g_max_S=given.g_max_uS * 1e-6,
            levels=given.levels,
        )
    except ValueError as error:
        sys.exit(f"error: {error}")
    write(given.output, tables)


if __name__ == "__main__":
    main()
