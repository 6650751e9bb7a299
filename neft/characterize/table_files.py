"""Read a file as a table of raw fields, with rows numbered like the lines of a CSV file."""

import gzip
import re
import zlib
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from pyarrow import ArrowException

from neft._utils.checks import cut
from neft._utils.files import check_regular


def read_table(path: str | Path, least: int = 1) -> pd.DataFrame:
    """Read a table (.csv, .csv.gz or .parquet).

    Args:
        path: the file.
        least: number of rows that it must have.

    Returns:
        The file's columns, indexed by line; the names are line 1, as in a CSV file without notes,
        lines before the names that begin with #. Fields are text, except for numbers in Parquet.

    Raises:
        ValueError: no such file, not a readable table, too few rows, or two columns of the
            same name.
    """
    if _suffix(path) == ".parquet":
        return _read_parquet(path, least)
    return read_text(path, least=least)


def read_text(
    path: str | Path, delimiter: str = ",", header: Sequence[str] = (), least: int = 1
) -> pd.DataFrame:
    """Read delimited text, plain or .gz, as `read_table` does.

    Args:
        path: the file.
        delimiter: separator of fields.
        header: names of the columns; if empty, those in the first row.
        least: number of rows that it must have.
    """
    check_regular(path)
    # Blank lines stay until the lines are numbered; "NA" and the like stay text.
    raw: dict[str, Any] = {"header": None, "dtype": str, "keep_default_na": False}
    raw |= {"sep": delimiter, "skipinitialspace": True, "skip_blank_lines": False}
    zipped = _suffix(path) == ".gz"
    try:
        raw["skiprows"] = notes = 0 if header else _notes(path, zipped)
        table = pd.read_csv(path, compression="gzip" if zipped else None, **raw)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _unreadable(path, error) from error
    table.index += 1 + notes
    table = table[table.fillna("").ne("").any(axis=1)]
    if len(table) < (least if header else least + 1):
        raise _empty(path, row=notes + len(table) + 1)
    if not header:
        header, table = table.iloc[0], table.iloc[1:]
    return _titled(table, list(header), path)


def _notes(path: str | Path, zipped: bool) -> int:
    """Count the lines that begin with # before the names of a CSV file."""
    with (gzip.open if zipped else open)(path, "rb") as file:
        return sum(1 for _ in takewhile(lambda line: line.startswith(b"#"), file))


def _read_parquet(path: str | Path, least: int) -> pd.DataFrame:
    check_regular(path)
    try:
        # Pandas gets an open file: with a path, it reads folders and adds columns by their names.
        with open(path, "rb") as file:
            table = pd.read_parquet(file, to_pandas_kwargs={"ignore_metadata": True})
    except (ArrowException, OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    table.index = pd.RangeIndex(2, len(table) + 2)
    if len(table) < least:
        raise _empty(path, row=2)
    table = _titled(table, list(table), path)
    other = [name for name in table if not is_numeric_dtype(table[name])]
    return table.assign(**{name: table[name].astype(str).fillna("") for name in other})


def _unreadable(path: str | Path, error: Exception) -> ValueError:
    text = " ".join(str(error).split())
    if counts := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", text):
        fields, row, found = counts.groups()
        text = f"row {row} of {found} fields between commas, after rows of {fields}"
    return ValueError(f"{path}: file must be a readable table, got {text}")


def _empty(path: str | Path, row: int) -> ValueError:
    return ValueError(f"{path}: row {row}: table must have a row here, got its end")


def _titled(table: pd.DataFrame, names: list[str], path: str | Path) -> pd.DataFrame:
    if not len(set(names)) == len(names) == table.shape[1]:
        rule = f"{table.shape[1]} columns must have as many different names"
        raise ValueError(f"{path}: row 1: {rule}, got {shown(names)}")
    return table.set_axis(names, axis="columns")


def _suffix(path: str | Path) -> str:
    return Path(path).suffix.lower()


def shown(value: object) -> str:
    """Return a value for an error message."""
    return cut(repr(value))


def numbers(values: pd.Series) -> np.ndarray:
    """Return a column as floats; values that are no numbers (true, a date, text) become NaN."""
    if is_bool_dtype(values) or not is_numeric_dtype(values):
        values = pd.to_numeric(values.astype(str), errors="coerce")
    return values.to_numpy(dtype=float, na_value=np.nan)
