"""Read and check tables of measurements, in two forms, as .csv, .csv.gz or .parquet.

**Reads** (`read_reads`): one row per cell and time, with the conductance read.

- `cell`: any label;
- `time_s`: seconds since programming, or since the first read; 0 or more;
- `conductance_S`, `conductance_mS` or `conductance_uS`: 0 or more;
- optional, `target_S`, `target_mS` or `target_uS`: the target conductance of programming;
- optional, `temperature_K`: above 0;
- optional, `cycle`: 0, 1, ...: number of the programming that this read follows.

A cell (with cycles: a cell in one cycle) has at most one read at a time, one target and one
temperature. The order of rows does not matter.

**Level tables** (`read_level_table`; `neft.characterize.levels` makes them from reads): one row per
time and level of conductance, with the distribution of the error. All of `LEVEL_COLUMNS`:

- `technology`: any label; `g_max_S`: upper end of the conductance range, in siemens;
- `time_s`: as above; `n`: number of reads, 2 or more;
- `level`: 0, 1, ...: part of the range, or with few targets the number of the target;
- `g`: mean target (without targets: initial conductance) as a fraction of G_max, 0 to 1;
- `mean`, `std`, `skewness`, `excess_kurtosis` and quantiles (`q0.005` to `q0.995`) of the error;
  all but skewness and kurtosis are fractions of G_max.

CSV is comma-separated UTF-8 with the names in its first row. Other columns are left out, but
columns that begin with conductance, target or temperature must have one of the names above.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from neft.characterize.table_files import numbers, read_table, read_text, shown

_TAIL = (0.005, 0.01, 0.025, 0.05)
_BODY = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
QUANTILES = (*_TAIL, *_BODY, 0.95, 0.975, 0.99, 0.995)
QUANTILE_COLUMNS = tuple(f"q{probability:g}" for probability in QUANTILES)
STATISTICS = ("mean", "std", "skewness", "excess_kurtosis", *QUANTILE_COLUMNS)
LEVEL_COLUMNS = ("technology", "g_max_S", "time_s", "level", "n", "g", *STATISTICS)
_PER_SIEMENS = {"S": 1.0, "mS": 1e3, "uS": 1e6}
_READ_COLUMNS = ("cell", "time_s", "conductance_S", "target_S", "temperature_K", "cycle")
_RELAXATION_COLUMNS = ("cell", "elapsed_s", "r", "conductance_S", "gi", "range", "time_s")


# `_checked` finds the values by the column names before " must" and reports the first failure only.
def _rule(columns: str, rule: str, holds: Callable) -> pa.Check:
    error = f"{columns} must {rule}"
    return pa.Check(holds, error=error, ignore_na=False, n_failure_cases=1)


def _text(column: str) -> pa.Column:
    filled = _rule(column, "not be empty", lambda values: values.notna() & (values != ""))
    return pa.Column(checks=filled, nullable=True)


def _number(column: str, *rules: tuple[str, Callable]) -> pa.Column:
    rules = (("be a finite number", np.isfinite), *rules)
    return pa.Column(float, [_rule(column, *rule) for rule in rules], nullable=True)


def _unique(*keys: str) -> pa.Check:
    return _rule(", ".join(keys), "be unique together", lambda t: ~t.duplicated(list(keys)))


def _constant(column: str, keys: Sequence[str]) -> pa.Check:
    def holds(t: pd.DataFrame) -> pd.Series:
        return t[column] == t.groupby(list(keys))[column].transform("first")

    return _rule(column, f"be one value in a {' and '.join(keys)}", holds)


def _ordered(pair: Sequence[str]) -> pa.Check:
    return _rule(", ".join(pair), "not decrease", lambda t: t[pair[0]] <= t[pair[1]])


_NON_NEGATIVE = ("be non-negative", lambda values: values >= 0)
_POSITIVE = ("be positive", lambda values: values > 0)
_INTEGER = ("be an integer", lambda values: values % 1 == 0)
_COUNT = [_INTEGER, _NON_NEGATIVE, ("be below 2^53", lambda values: values < 2**53)]


def _reads_schema(
    names: Sequence[str], conductance: str = "conductance_S", target: str = "target_S"
) -> pa.DataFrameSchema:
    optional = {target: [_NON_NEGATIVE], "temperature_K": [_POSITIVE], "cycle": _COUNT}
    rules = {"time_s": [_NON_NEGATIVE], conductance: [_NON_NEGATIVE]}
    rules |= {name: rule for name, rule in optional.items() if name in names}
    columns = {"cell": _text("cell")} | {name: _number(name, *rules[name]) for name in rules}
    unit = ["cell", "cycle"] if "cycle" in names else ["cell"]
    constant = [_constant(name, unit) for name in (target, "temperature_K") if name in names]
    return pa.DataFrameSchema(columns, checks=[_unique(*unit, "time_s"), *constant])


_LEVELS = pa.DataFrameSchema(
    {
        **{name: _number(name) for name in STATISTICS},
        "technology": _text("technology"),
        "g_max_S": _number("g_max_S", _POSITIVE),
        "time_s": _number("time_s", _NON_NEGATIVE),
        "level": _number("level", _INTEGER, _NON_NEGATIVE),
        "n": _number("n", _INTEGER, ("be at least 2", lambda values: values >= 2)),
        "g": _number("g", ("lie in [0, 1]", lambda values: values.between(0, 1))),
        "std": _number("std", _POSITIVE),
    },
    checks=[_unique("technology", "time_s", "level"), *map(_ordered, pairwise(QUANTILE_COLUMNS))],
)


def read_reads(path: str | Path) -> pd.DataFrame:
    r"""Read a table of reads (.csv, .csv.gz or .parquet) and check it.

    Args:
        path: the file.

    Returns:
        Columns `cell` (text), `time_s`, `conductance_S` and, where the file has them, `target_S`,
        `temperature_K` and `cycle` (integer), in the file's order of rows.

    Raises:
        ValueError: the first fault: file, row (the names are row 1), rule, value.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "reads.csv"
        ...     _ = file.write_text("cell,time_s,conductance_mS\na,0,0.5\na,1,0.25\n")
        ...     read_reads(file)["conductance_S"].tolist()
        [0.0005, 0.00025]
    """
    table = read_table(path)
    conductance = _named(table, "conductance", _PER_SIEMENS, path)
    target = _named(table, "target", _PER_SIEMENS, path, optional=True)
    _named(table, "temperature", ["K"], path, optional=True)
    schema = _reads_schema(list(table), conductance, target)
    reads = _checked(table, schema, source=path).reset_index(drop=True)
    for name in {conductance, target} & set(reads):
        quantity, _, unit = name.partition("_")
        # Dividing rounds once: 40 uS become the same number as 40e-6 S.
        reads[f"{quantity}_S"] = reads[name] / _PER_SIEMENS[unit]
    reads = reads[[name for name in _READ_COLUMNS if name in reads]]
    return _whole_cycles(reads).astype({"cell": str})


def check_reads(reads: pd.DataFrame) -> pd.DataFrame:
    """Check a frame of reads as `read_reads` returns it.

    Args:
        reads: columns `cell`, `time_s`, `conductance_S`, and any of `target_S`, `temperature_K`
            and `cycle`.

    Returns:
        The reads with their numbers as floats and cycles as integers, in rows 0, 1, ...

    Raises:
        ValueError: the first fault: row, rule, value.
    """
    schema = _reads_schema(list(reads))
    return _whole_cycles(_checked(reads.reset_index(drop=True), schema, source="reads"))


def _whole_cycles(reads: pd.DataFrame) -> pd.DataFrame:
    return reads.astype({"cycle": int}) if "cycle" in reads else reads


def read_relaxation_tsv(path: str | Path) -> pd.DataFrame:
    """Read the published RRAM relaxation data: tab-separated, no header, unordered.

    Source: github.com/akashlevy/RRAM-Relaxation-Master-Model. The fields are cell address, seconds
    since the first read, resistance (ohm), conductance (S), initial conductance (S), its bin, and
    nominal time (s), which becomes `time_s`. Negative conductances are offsets of the instrument:
    they are left out, and a warning counts them.

    Returns and raises as `read_reads` does; the first read is row 1.
    """
    table = read_text(path, delimiter="\t", header=_RELAXATION_COLUMNS)
    table = table[["cell", "time_s", "conductance_S"]]
    conductance = pd.to_numeric(table["conductance_S"], errors="coerce")
    negative = (conductance < 0) & np.isfinite(conductance)
    if negative.any():
        warnings.warn(f"{path}: left out {negative.sum()} negative read(s)", stacklevel=2)
    return _checked(table[~negative], _reads_schema(()), source=path).reset_index(drop=True)


def read_level_table(path: str | Path) -> pd.DataFrame:
    """Read a level table (.csv, .csv.gz or .parquet) and check it.

    Returns:
        `LEVEL_COLUMNS`, as `summarise_levels` makes them; other columns are left out.

    Raises:
        ValueError: the first fault: file, row (the names are row 1), rule, value.
    """
    table = _checked(read_table(path), _LEVELS, path).reset_index(drop=True)
    return table[list(LEVEL_COLUMNS)].astype({"technology": str, "level": int, "n": int})


def _named(
    table: pd.DataFrame,
    quantity: str,
    units: Iterable[str],
    path: str | Path,
    *,
    optional: bool = False,
) -> str:
    """Return the name of the quantity's column; if that is optional and absent, the first name."""
    known = [f"{quantity}_{unit}" for unit in units]
    found = [name for name in table if name.startswith(quantity)]
    if optional and not found:
        return known[0]
    if len(found) != 1 or found[0] not in known:
        rule = f"{'at most' if optional else 'exactly'} one column must be of {known}"
        raise ValueError(f"{path}: row 1: {rule}, got {shown(found or list(table))}")
    return found[0]


def _checked(table: pd.DataFrame, schema: pa.DataFrameSchema, source: str | Path) -> pd.DataFrame:
    """Return the table with the schema's numbers as floats, or raise its first fault."""
    missing = [name for name in schema.columns if name not in table]
    if missing:
        raise ValueError(
            f"{source}: row 1: columns must include {missing}, got {shown(list(table))}"
        )
    # Values that are no numbers become NaN, which the rules refuse: one pass finds every fault.
    numeric = [name for name, column in schema.columns.items() if column.dtype is not None]
    checked = table.assign(**{name: numbers(table[name]) for name in numeric})
    try:
        return schema.validate(checked, lazy=True)
    except pa.errors.SchemaErrors as error:
        # Within a row, rules of one column ("Column") come before those of the whole table.
        failure = error.failure_cases.sort_values(["index", "schema_context", "check_number"])
    line, rule = failure[["index", "check"]].iloc[0]
    columns = rule.partition(" must")[0].split(", ")
    values = ", ".join(shown(table[name].astype(object).at[line]) for name in columns)
    raise ValueError(f"{source}: row {line}: {rule}, got {values}")
