"""Read and check measured reads of memory cells; make level tables.

A *read* is one cell's conductance at one time. A *level table* keeps, for each time and each level
of initial conductance, the distribution of the error (G(t) - G(0)) / G_max.
"""

import math
import warnings
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
from scipy import stats

_TAIL = (0.005, 0.01, 0.025, 0.05)
_BODY = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
QUANTILES = (*_TAIL, *_BODY, 0.95, 0.975, 0.99, 0.995)
QUANTILE_COLUMNS = tuple(f"q{probability:g}" for probability in QUANTILES)
STATISTICS = ("mean", "std", "skewness", "excess_kurtosis", *QUANTILE_COLUMNS)
LEVEL_COLUMNS = ("technology", "g_max_S", "time_s", "level", "n", "g", *STATISTICS)
_SIEMENS = {"conductance_S": 1.0, "conductance_mS": 1e-3, "conductance_uS": 1e-6}
_RELAXATION_COLUMNS = ("cell", "elapsed_s", "r", "conductance_S", "gi", "range", "time_s")


# The error report finds the offending values by the column names before " must".
def _rule(columns: str, rule: str, holds: Callable) -> pa.Check:
    return pa.Check(holds, error=f"{columns} must {rule}", ignore_na=False)


def _text(column: str) -> pa.Column:
    filled = _rule(column, "not be empty", lambda values: values.notna() & (values != ""))
    return pa.Column(checks=filled, nullable=True)


def _number(column: str, *rules: tuple[str, Callable]) -> pa.Column:
    rules = (("be a finite number", np.isfinite), *rules)
    return pa.Column(float, [_rule(column, *rule) for rule in rules], nullable=True)


def _unique(*keys: str) -> pa.Check:
    return _rule(", ".join(keys), "be unique together", lambda t: ~t.duplicated(list(keys)))


def _ordered(pair: Sequence[str]) -> pa.Check:
    return _rule(", ".join(pair), "not decrease", lambda t: t[pair[0]] <= t[pair[1]])


_NON_NEGATIVE = ("be non-negative", lambda values: values >= 0)
_POSITIVE = ("be positive", lambda values: values > 0)
_INTEGER = ("be an integer", lambda values: values % 1 == 0)


def _reads_schema(conductance: str) -> pa.DataFrameSchema:
    columns = {"cell": _text("cell")}
    columns |= {name: _number(name, _NON_NEGATIVE) for name in ("time_s", conductance)}
    return pa.DataFrameSchema(columns, checks=_unique("cell", "time_s"))


_READS = _reads_schema("conductance_S")
_LEVELS = pa.DataFrameSchema(
    {
        **{name: _number(name) for name in STATISTICS},
        "technology": _text("technology"),
        "g_max_S": _number("g_max_S", _POSITIVE),
        "time_s": _number("time_s", _POSITIVE),
        "level": _number("level", _INTEGER, _NON_NEGATIVE),
        "n": _number("n", _INTEGER, ("be at least 2", lambda values: values >= 2)),
        "g": _number("g", ("lie in [0, 1]", lambda values: values.between(0, 1))),
        "std": _number("std", _POSITIVE),
    },
    checks=[_unique("technology", "time_s", "level"), *map(_ordered, pairwise(QUANTILE_COLUMNS))],
)


def read_reads(path: str | Path) -> pd.DataFrame:
    r"""Read a long CSV table (plain or .gz) of raw reads, one read a row.

    Args:
        path: a file with `cell` (any label), `time_s` and one of `conductance_S`,
            `conductance_mS` and `conductance_uS`; other columns are left out.

    Returns:
        Columns `cell` (text), `time_s`, `conductance_S`, in the file's order.

    Raises:
        ValueError: the first offence in the file: file, row (the header is row 1), rule, value.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "reads.csv"
        ...     _ = file.write_text("cell,time_s,conductance_mS\na,0,0.5\na,1,0.25\n")
        ...     read_reads(file)["conductance_S"].tolist()
        [0.0005, 0.00025]
    """
    table = _read_text(path, delimiter=",")
    found = [name for name in table if name.startswith("conductance")]
    if len(found) != 1 or found[0] not in _SIEMENS:
        rule = f"exactly one column must be of {list(_SIEMENS)}"
        raise ValueError(f"{path}: row 1: {rule}, got {found}")
    reads = _checked(table, _reads_schema(*found), source=path)
    reads["conductance_S"] = reads[found[0]] * _SIEMENS[found[0]]
    return reads[["cell", "time_s", "conductance_S"]].reset_index(drop=True)


def read_relaxation_tsv(path: str | Path) -> pd.DataFrame:
    """Read the published RRAM relaxation data: tab-separated, no header, unordered.

    Its fields are cell address, seconds since the first read, resistance (ohm), conductance (S),
    initial conductance (S), its bin, and nominal time (s), which becomes `time_s` (source:
    github.com/akashlevy/RRAM-Relaxation-Master-Model). Negative conductances are offsets of the
    instrument: they are left out, and a warning says how many.

    Returns and raises as `read_reads` does; the first read is row 1.
    """
    table = _read_text(path, delimiter="\t", header=_RELAXATION_COLUMNS)[list(_READS.columns)]
    conductance = pd.to_numeric(table["conductance_S"], errors="coerce")
    negative = (conductance < 0) & np.isfinite(conductance)
    if negative.any():
        warnings.warn(f"{path}: left out {negative.sum()} negative read(s)", stacklevel=2)
    return _checked(table[~negative], _READS, source=path).reset_index(drop=True)


def level_table(
    reads: pd.DataFrame, *, technology: str, g_max_S: float, levels: int = 32
) -> pd.DataFrame:
    """Summarise the error (G(t) - G(0)) / G_max for each time t > 0 and initial level.

    A cell's level is floor(G(0) / (G_max / levels)), from its *initial read*, the read at time 0
    (which is no programming target). Cells that begin at or above G_max are left out.

    Args:
        reads: columns `cell`, `time_s`, `conductance_S`; the order of rows does not matter.
        technology: the name that the table's rows carry.
        g_max_S: upper end of the conductance range, in siemens.
        levels: number of equal parts of the range.

    Returns:
        `LEVEL_COLUMNS`, sorted by time and level: n reads; g, the mean initial conductance as a
        fraction of G_max; and of the error its mean, std (ddof 1), skewness and excess kurtosis
        (population moments) and quantiles (linear interpolation between order statistics).

    Raises:
        ValueError: an unusable argument or read; a cell without a read at time 0; a time and level
            with fewer than two reads or only equal errors.

    Example:
        >>> reads = pd.DataFrame({"cell": [1, 2, 1, 2], "time_s": [0, 0, 1, 1]})
        >>> reads["conductance_S"] = [2e-6, 4e-6, 3e-6, 7e-6]
        >>> level_table(reads, technology="toy", g_max_S=1e-5, levels=1)["mean"].round(9).tolist()
        [0.2]
    """
    if not 0 < g_max_S < math.inf:
        raise ValueError(f"g_max_S must be positive and finite, got {g_max_S}")
    if levels != int(levels) or levels < 1:
        raise ValueError(f"levels must be a positive integer, got {levels}")
    errors = _errors(_checked(reads.reset_index(drop=True), _READS, "reads"), g_max_S, levels)
    groups = errors.groupby(["time_s", "level"])
    _check_groups(groups["error"], errors["time_s"].unique(), levels)
    table = groups.agg(n=("error", "size"), g=("g", "mean"))
    table[["mean", "std"]] = groups["error"].agg(["mean", "std"])
    table["skewness"] = groups["error"].agg(stats.skew)
    table["excess_kurtosis"] = groups["error"].agg(stats.kurtosis)
    table[list(QUANTILE_COLUMNS)] = groups["error"].quantile(list(QUANTILES)).unstack()
    table = table.reset_index().assign(technology=technology, g_max_S=float(g_max_S))
    return table[list(LEVEL_COLUMNS)]


def read_level_table(path: str | Path) -> pd.DataFrame:
    """Read a level table (CSV, plain or .gz) and check it.

    Returns:
        `LEVEL_COLUMNS`, as `level_table` makes them; other columns are left out.

    Raises:
        ValueError: the first offence in the file: file, row (the header is row 1), rule, value.
    """
    table = _checked(_read_text(path, delimiter=","), _LEVELS, path).reset_index(drop=True)
    return table[list(LEVEL_COLUMNS)].astype({"level": int, "n": int})


def _read_text(path: str | Path, delimiter: str, header: Sequence[str] = ()) -> pd.DataFrame:
    """Return every field as text, indexed by the file's line number."""
    # Blank lines stay until the lines are numbered; "NA" and the like stay text.
    raw = {"header": None, "dtype": str, "keep_default_na": False, "skip_blank_lines": False}
    try:
        table = pd.read_csv(path, sep=delimiter, skipinitialspace=True, **raw)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        rule = "file must be a readable table"
        raise ValueError(f"{path}: {rule}, got {' '.join(str(error).split())}") from error
    table.index += 1
    table = table[table.fillna("").ne("").any(axis=1)]
    if len(table) < (1 if header else 2):
        raise ValueError(f"{path}: row {len(table) + 1}: table must have a row here, got its end")
    if not header:
        header, table = table.iloc[0], table.iloc[1:]
    if not len(set(header)) == len(header) == table.shape[1]:
        rule = f"{table.shape[1]} columns must have as many different names"
        raise ValueError(f"{path}: row 1: {rule}, got {list(header)}")
    return table.set_axis(list(header), axis="columns")


def _checked(table: pd.DataFrame, schema: pa.DataFrameSchema, source: str | Path) -> pd.DataFrame:
    """Return the table with the schema's numbers as numbers, or raise its first offence."""
    missing = [name for name in schema.columns if name not in table]
    if missing:
        raise ValueError(f"{source}: row 1: columns must include {missing}, got {list(table)}")
    # What is no number becomes NaN, which the rules refuse: one pass finds every kind of offence.
    numeric = [name for name, column in schema.columns.items() if column.dtype is not None]
    numbers = {name: pd.to_numeric(table[name], errors="coerce") for name in numeric}
    checked = table.assign(**numbers).astype(dict.fromkeys(numeric, float))
    try:
        return schema.validate(checked, lazy=True)
    except pa.errors.SchemaErrors as error:
        # In a row, rules of a single column ("Column") come before those of the whole table.
        failure = error.failure_cases.sort_values(["index", "schema_context", "check_number"])
    line, rule = failure[["index", "check"]].iloc[0]
    columns = rule.partition(" must")[0].split(", ")
    values = ", ".join(repr(table[name].astype(object).at[line]) for name in columns)
    raise ValueError(f"{source}: row {line}: {rule}, got {values}")


def _errors(reads: pd.DataFrame, g_max_S: float, levels: int) -> pd.DataFrame:
    """Return time_s, level, g and error of every later read of a cell that starts in range."""
    # One order for equal inputs: sums of floats, and so the table's bits, depend on it.
    reads = reads.sort_values(["time_s", "cell"])
    later = reads["time_s"] > 0
    initial = reads["cell"].map(reads[~later].set_index("cell")["conductance_S"])
    if initial.isna().any():
        cell = reads["cell"][initial.isna()].iloc[0]
        raise ValueError(f"reads: cell must have a read at time_s 0, got none for {cell}")
    kept = later & (initial < g_max_S)
    if not kept.any():
        raise ValueError(f"reads: some cell below g_max_S {g_max_S:g} must be read again, got none")
    # Rounding may lift a conductance just below G_max to the level above the last.
    level = np.floor(initial / (g_max_S / levels)).clip(upper=levels - 1).astype(int)
    g, error = initial / g_max_S, (reads["conductance_S"] - initial) / g_max_S
    return reads[["time_s"]].assign(level=level, g=g, error=error)[kept]


def _check_groups(errors: pd.api.typing.SeriesGroupBy, times: Sequence, levels: int) -> None:
    every = pd.MultiIndex.from_product([times, range(levels)])
    found = errors.agg(["size", "nunique"]).reindex(every, fill_value=0)
    for (time_s, level), n in found["size"][found["nunique"] < 2].items():
        rule = f"level {level} at time_s {time_s:g} must have at least 2 reads that differ"
        raise ValueError(f"reads: {rule}, got {n}" + " equal ones" * (n > 1))
