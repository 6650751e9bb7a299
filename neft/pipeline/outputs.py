"""Where a stage's tables, metrics and figures go."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

from neft._utils.files import atomic_path
from neft.figures import save_svg


def keep(
    output: Path | str | None,
    stage: str,
    *,
    tables: Mapping[str, pd.DataFrame] | None = None,
    metrics: Mapping[str, Any] | None = None,
    figures: Mapping[str, plt.Figure] | None = None,
) -> None:
    """Write a stage's results, each file whole or not at all.

    Args:
        output: folder of the run; None writes nothing.
        stage: folder below `metrics` and `figures`.
        tables: name -> table, for `metrics/<stage>/<name>.csv`.
        metrics: name -> numbers, for `metrics/<stage>/<name>.json`.
        figures: name -> figure, for `figures/<stage>/<name>.svg`.
    """
    if output is None:
        return
    folder = Path(output) / "metrics" / stage
    for name, table in (tables or {}).items():
        with atomic_path(folder / f"{name}.csv") as partial:
            table.to_csv(partial, index=False)
    for name, numbers in (metrics or {}).items():
        with atomic_path(folder / f"{name}.json") as partial:
            partial.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    for name, figure in (figures or {}).items():
        save_svg(figure, Path(output) / "figures" / stage / f"{name}.svg")
