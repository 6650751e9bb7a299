"""Read and check tables of measurements, in two forms, as .csv, .csv.gz or .parquet.

**Reads** (`read_reads`): one row per cell and time, with the conductance read.

- `cell`: any label, with all parts of it that a cell is known by (wafer, die, row, ...);
- `time_s`: seconds since programming, or since the first read; 0 or more;
- `conductance_S`, `conductance_mS` or `conductance_uS`: noise may take it a little below 0;
- optional, `target_S`, `target_mS` or `target_uS`: the target conductance of programming;
- optional, `temperature_K`: in kelvin, 200 or more (lower values are taken for degrees Celsius);
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

CSV is comma-separated UTF-8 with the names in its first row; lines before it that begin with # are
left out. So are other columns, but those that begin with conductance, target or temperature must
have one of the names above. A read that failed is no read: its row must be left out. Reads below 0
stay as they are, down to -3 % of G_max (`neft.characterize.sizes.check_lowest`): without them, the
reads of nearly open cells would be too high in the mean and spread too little.
"""

import re
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from neft.characterize import schemas
from neft.characterize.schemas import COUNT, FRACTION, INTEGER, NON_NEGATIVE, POSITIVE, checked
from neft.characterize.table_files import read_table, read_text, shown

_TAIL = (0.005, 0.01, 0.025, 0.05)
_BODY = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
QUANTILES = (*_TAIL, *_BODY, 0.95, 0.975, 0.99, 0.995)
QUANTILE_COLUMNS = tuple(f"q{probability:g}" for probability in QUANTILES)
STATISTICS = ("mean", "std", "skewness", "excess_kurtosis", *QUANTILE_COLUMNS)
LEVEL_COLUMNS = ("technology", "g_max_S", "time_s", "level", "n", "g", *STATISTICS)
_PER_SIEMENS = {"S": 1.0, "mS": 1e3, "uS": 1e6}
_READ_COLUMNS = ("cell", "time_s", "conductance_S", "target_S", "temperature_K", "cycle")
_UNITS = {"conductance": _PER_SIEMENS, "target": _PER_SIEMENS, "temperature": ["K"]}
_PART = re.compile(
    r"(lot|wafer|die|chip|array|row|col(umn)?|x|y|wl|bl|device|cell)([\d_ -]\w*)?", re.IGNORECASE
)
"""Names of columns that look like parts of a cell's label."""
_AGAIN = (
    "a column cycle tells apart programmings of one cell, a label with all its parts (such as "
    "wafer-die-cell) tells apart cells"
)
_KELVIN = "kelvin = degrees Celsius + 273.15"
_RELAXATION_COLUMNS = ("cell", "elapsed_s", "r", "conductance_S", "gi", "range", "time_s")


def _reads_schema(
    names: Sequence[str], conductance: str = "conductance_S", target: str = "target_S"
) -> pa.DataFrameSchema:
    warm = ("be at least 200", lambda values: values >= 200)
    optional = {target: [NON_NEGATIVE], "temperature_K": [warm], "cycle": COUNT}
    rules = {"time_s": [NON_NEGATIVE], conductance: []}
    rules |= {name: rule for name, rule in optional.items() if name in names}
    advice = {
        conductance: "leave out the row if the read failed",
        "temperature_K": f"{_KELVIN}; leave out the column if the devices were colder than 200 K",
    }
    columns = {"cell": schemas.text("cell")} | {
        name: schemas.number(name, *rules[name], advice=advice.get(name, "")) for name in rules
    }
    unit = ["cell", "cycle"] if "cycle" in names else ["cell"]
    again = "" if "cycle" in names else _AGAIN
    same = [schemas.constant(name, unit) for name in (target, "temperature_K") if name in names]
    return pa.DataFrameSchema(
        columns, checks=[schemas.unique(*unit, "time_s", advice=again), *same]
    )


_LEVELS = pa.DataFrameSchema(
    {
        **{name: schemas.number(name) for name in STATISTICS},
        "technology": schemas.text("technology"),
        "g_max_S": schemas.number("g_max_S", POSITIVE),
        "time_s": schemas.number("time_s", NON_NEGATIVE),
        "level": schemas.number("level", INTEGER, NON_NEGATIVE),
        "n": schemas.number("n", INTEGER, ("be at least 2", lambda values: values >= 2)),
        "g": schemas.number("g", FRACTION),
        "std": schemas.number("std", POSITIVE),
    },
    checks=[
        schemas.unique("technology", "time_s", "level"),
        *map(schemas.ordered, pairwise(QUANTILE_COLUMNS)),
    ],
)


def read_reads(path: str | Path) -> pd.DataFrame:
    r"""Read a table of reads (.csv, .csv.gz or .parquet) and check it.

    Args:
        path: the file.

    Returns:
        Columns `cell` (text), `time_s`, `conductance_S` and, where the file has them, `target_S`,
        `temperature_K` and `cycle` (integer), in the file's order of rows.

    Raises:
        ValueError: all faults of the columns' names, or else the first one of the values: file,
            row (the names are row 1), rule, value.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "reads.csv"
        ...     _ = file.write_text("cell,time_s,conductance_mS\na,0,0.5\na,1,0.25\n")
        ...     read_reads(file)["conductance_S"].tolist()
        [0.0005, 0.00025]
    """
    table = read_table(path)
    _check_names(list(table), path)
    units = {name: name.partition("_") for name in _known("conductance") + _known("target")}
    conductance, *target = (name for name in units if name in table)
    schema = _reads_schema(list(table), conductance, *target)
    reads = checked(table, schema, source=path).reset_index(drop=True)
    for name in (conductance, *target):
        quantity, _, unit = units[name]
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
    return _whole_cycles(checked(reads.reset_index(drop=True), schema, source="reads"))


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
    return checked(table[~negative], _reads_schema(()), source=path).reset_index(drop=True)


def read_level_table(path: str | Path) -> pd.DataFrame:
    """Read a level table (.csv, .csv.gz or .parquet) and check it.

    Returns:
        `LEVEL_COLUMNS`, as `summarise_levels` makes them; other columns are left out.

    Raises:
        ValueError: the first fault: file, row (the names are row 1), rule, value.
    """
    table = checked(read_table(path), _LEVELS, path).reset_index(drop=True)
    return table[list(LEVEL_COLUMNS)].astype({"technology": str, "level": int, "n": int})


def _known(quantity: str) -> list[str]:
    return [f"{quantity}_{unit}" for unit in _UNITS[quantity]]


def _check_names(names: list[str], path: str | Path) -> None:
    """Refuse all faults of a file's columns together, with advice on those that are common."""
    missing = [name for name in ("cell", "time_s") if name not in names]
    faults, advice = [f"columns must include {missing}"] * bool(missing), []
    for quantity in _UNITS:
        found = [name for name in names if name.lower().startswith(quantity)]
        needed = quantity == "conductance"
        if (found or needed) and not (len(found) == 1 and found[0] in _known(quantity)):
            most = "exactly" if needed else "at most"
            faults.append(f"{most} one column must be of {_known(quantity)}")
            advice += [_KELVIN] * (quantity == "temperature")
    if "cell" in missing and (parts := [name for name in names if _PART.fullmatch(name)]):
        joined = f'table[{parts}].astype(str).agg("-".join, axis=1)'
        advice.append(f'pandas makes one label of parts: table["cell"] = {joined}')
    if faults:
        rules = " and ".join(faults)
        raise ValueError("; ".join([f"{path}: row 1: {rules}, got {shown(names)}", *advice]))
