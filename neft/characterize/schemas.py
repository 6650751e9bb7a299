"""Rules for the columns of tables, and their first fault in one line: file, row, rule, value."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from neft.characterize.table_files import numbers, shown

Rule = tuple[str, Callable]
"""What values must do, in words, and whether they do."""

NON_NEGATIVE: Rule = ("be non-negative", lambda values: values >= 0)
POSITIVE: Rule = ("be positive", lambda values: values > 0)
INTEGER: Rule = ("be an integer", lambda values: values % 1 == 0)
COUNT = [INTEGER, NON_NEGATIVE, ("be below 2^53", lambda values: values < 2**53)]
FRACTION: Rule = ("lie in [0, 1]", lambda values: values.between(0, 1))


def must(columns: str, rule: str, holds: Callable, advice: str = "") -> pa.Check:
    """Return a check of one column or, their names joined by commas, of several.

    `checked` finds the values by the names before " must", reports the first failure only, and ends
    with the advice on what to do.
    """
    error = f"{columns} must {rule}" + f"; {advice}" * bool(advice)
    return pa.Check(holds, error=error, ignore_na=False, n_failure_cases=1)


def text(column: str) -> pa.Column:
    """Any text but none."""
    filled = must(column, "not be empty", lambda values: values.notna() & (values != ""))
    return pa.Column(checks=filled, nullable=True)


def number(column: str, *rules: Rule, advice: str = "") -> pa.Column:
    """A finite number that follows rules, each in words and as a function of the column."""
    rules = (("be a finite number", np.isfinite), *rules)
    return pa.Column(float, [must(column, *rule, advice) for rule in rules], nullable=True)


def unique(*keys: str, advice: str = "") -> pa.Check:
    """No two rows have the same values in these columns."""
    rows = ", ".join(keys)
    return must(rows, "be unique together", lambda t: ~t.duplicated(list(keys)), advice)


def constant(column: str, keys: Sequence[str]) -> pa.Check:
    """All rows of a group have one value in a column."""

    def holds(t: pd.DataFrame) -> pd.Series:
        return t[column] == t.groupby(list(keys))[column].transform("first")

    return must(column, f"be one value in a {' and '.join(keys)}", holds)


def ordered(pair: Sequence[str]) -> pa.Check:
    """The second column's value is not below the first one's."""
    return must(", ".join(pair), "not decrease", lambda t: t[pair[0]] <= t[pair[1]])


def checked(table: pd.DataFrame, schema: pa.DataFrameSchema, source: str | Path) -> pd.DataFrame:
    """Return the table with the schema's numbers as floats, or raise its first fault."""
    missing = [name for name in schema.columns if name not in table]
    if missing:
        raise ValueError(
            f"{source}: row 1: columns must include {missing}, got {shown(list(table))}"
        )
    # Values that are no numbers become NaN, which the rules refuse: one pass finds every fault.
    numeric = [name for name, column in schema.columns.items() if column.dtype is not None]
    converted = table.assign(**{name: numbers(table[name]) for name in numeric})
    try:
        return schema.validate(converted, lazy=True)
    except pa.errors.SchemaErrors as error:
        # Within a row, rules of one column ("Column") come before those of the whole table.
        failure = error.failure_cases.sort_values(["index", "schema_context", "check_number"])
    line, rule = failure[["index", "check"]].iloc[0]
    rule, *advice = rule.split("; ")
    columns = rule.partition(" must")[0].split(", ")
    values = ", ".join(shown(table[name].astype(object).at[line]) for name in columns)
    raise ValueError("; ".join([f"{source}: row {line}: {rule}, got {values}", *advice]))
