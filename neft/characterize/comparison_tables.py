"""Read and check the tables beside the level table: candidates, distances, intervals and ranks."""

from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from neft._utils.checks import one_of
from neft.characterize.schemas import (
    COUNT,
    FRACTION,
    NON_NEGATIVE,
    POSITIVE,
    checked,
    must,
    number,
    ordered,
    text,
    unique,
)
from neft.characterize.table_files import read_table

_AT = {"technology": text("technology"), "time_s": number("time_s", NON_NEGATIVE)}
_CORRELATION = ("lie in [-1, 1]", lambda values: values.between(-1, 1))
_TRUTH = must("adequate", "be True or False", lambda values: values.isin(["True", "False"]))

_SCHEMAS = {
    "candidates": pa.DataFrameSchema(
        {
            **_AT,
            "levels": number("levels", *COUNT),
            "candidate": text("candidate"),
            "pinball": number("pinball", POSITIVE),
            **{name: number(name) for name in ("behind_best", "behind_best_se")},
            "ks_median": number("ks_median", FRACTION),
            "ks_rejected": number("ks_rejected", *COUNT),
            "ad_median": number("ad_median"),
            "adequate": pa.Column(checks=_TRUTH),
        },
        checks=unique("technology", "time_s", "candidate"),
    ),
    "distances": pa.DataFrameSchema(
        {
            **_AT,
            "level": number("level", *COUNT),
            "g": number("g", FRACTION),
            "candidate": text("candidate"),
            "ks": number("ks", FRACTION),
            "ks_p": number("ks_p", FRACTION),
            "ad": number("ad"),
        },
        checks=unique("technology", "time_s", "level", "candidate"),
    ),
    "intervals": pa.DataFrameSchema(
        {
            **_AT,
            "candidate": text("candidate"),
            "parameter": text("parameter"),
            "value": number("value"),
        },
        checks=must("low, high", "not decrease", lambda table: ~(table.low > table.high)),
    ),
    "ranks": pa.DataFrameSchema(
        {
            **_AT,
            "next_time_s": number("next_time_s", POSITIVE),
            "n": number("n", *COUNT),
            "spearman": number("spearman", _CORRELATION),
        },
        checks=[unique("technology", "time_s"), ordered(("time_s", "next_time_s"))],
    ),
}
COMPARISONS = tuple(_SCHEMAS)
"""Names of the tables."""

_OPTIONAL = {
    "candidates": {
        "log_likelihood": number("log_likelihood"),
        "aic": number("aic"),
        **{name: number(name, POSITIVE) for name in ("sigma_d", "s")},
    },
    "intervals": {
        "level": number("level", *COUNT),
        "g": number("g", FRACTION),
        **{name: number(name) for name in ("low", "high")},
    },
}
"""Columns whose fields are empty where a candidate or parameter has no such value."""

_WHOLE = ("levels", "level", "n", "ks_rejected")


def read_comparison(folder: Path | str, name: str) -> pd.DataFrame:
    """Read one of the tables that `neft.characterize.analysis.write` writes beside the level table.

    Args:
        folder: of the tables.
        name: candidates, distances, intervals or ranks.

    Returns:
        The table's columns, empty fields as NaN; others are left out. ranks has no row if reads are
        of one time.

    Raises:
        ValueError: the name is unknown; the first fault: file, row, rule, value.
    """
    one_of(COMPARISONS, table=name)
    path = Path(folder) / f"{name}.csv"
    table, optional = (
        read_table(path, least=0 if name == "ranks" else 1).fillna(""),
        _OPTIONAL.get(name, {}),
    )
    for column, rule in optional.items():
        filled = table[table[column] != ""] if column in table else table
        values = checked(filled, pa.DataFrameSchema({column: rule}), path)[column]
        table = table.assign(**{column: values})
    found = checked(table, _SCHEMAS[name], path)[[*_SCHEMAS[name].columns, *optional]]
    kinds = {column: int for column in _WHOLE if column in found and column not in optional}
    if "adequate" in found:
        found["adequate"] = found["adequate"] == "True"
    return found.astype(kinds).reset_index(drop=True)
