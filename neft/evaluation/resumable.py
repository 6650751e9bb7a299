"""Measure a trained network, or read the tables that a killed run left of the same measurement."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from neft._utils import parallel
from neft._utils.files import atomic_path

CODE = ("_utils", "chip", "data", "devices", "evaluation", "networks.py")
"""What a measurement depends on."""


def resumable(
    measure: Callable[..., Sequence[pd.DataFrame]],
    names: Sequence[str],
    *,
    path: Path,
    dataset_folder: Path | str,
    scratch: Path | None,
    **settings: Any,
) -> list[pd.DataFrame]:
    """Call `measure(path=path, dataset_folder=dataset_folder, **settings)`, and keep its tables.

    Args:
        measure: a function of a module, as processes import it.
        names: of its tables.
        path: the network that it measures; what counts is its content.
        dataset_folder: where downloaded data sets lie; no table depends on it.
        scratch: folder of the kept tables, read if all are there; None to keep none.
        settings: all else that the tables depend on.

    Returns:
        One table per name, with the same bits whether computed or read.
    """
    weights = hashlib.sha256(path.read_bytes()).hexdigest()
    key = parallel.digest(CODE, measure=measure.__name__, weights=weights, **settings)
    kept = [scratch / f"{key}-{name}.csv" for name in names] if scratch else []
    if kept and all(file.exists() for file in kept):
        return [pd.read_csv(file) for file in kept]
    tables = list(measure(path=path, dataset_folder=dataset_folder, **settings))
    for file, table in zip(kept, tables, strict=False):  # no file without a scratch folder
        with atomic_path(file) as partial:
            table.to_csv(partial, index=False)
    return tables
