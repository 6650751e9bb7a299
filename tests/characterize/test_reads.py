"""Laws of the reader: units, forms and times."""

import doctest
import gzip
import math

import numpy as np
import pandas as pd
import pytest
from helpers.reads import GOOD, error_of, level_table

import neft.characterize.levels
import neft.characterize.reads
from neft.characterize.reads import (
    LEVEL_COLUMNS,
    QUANTILE_COLUMNS,
    QUANTILES,
    read_level_table,
    read_reads,
    read_relaxation_tsv,
)


@pytest.mark.parametrize(("unit", "per_siemens"), [("S", 1), ("mS", 1e3), ("uS", 1e6)])
def test_units_give_equal_reads(tmp_path, unit, per_siemens):
    siemens = [0.0, 1.25e-5, 3.7e-5]
    rows = [f"c{i},{i},{value * per_siemens!r},extra" for i, value in enumerate(siemens)]
    path = tmp_path / "reads.csv"
    path.write_text("\n".join([f"cell,time_s,conductance_{unit},note", *rows]))
    reads = read_reads(path)
    assert reads.columns.tolist() == ["cell", "time_s", "conductance_S"]
    assert reads["cell"].tolist() == ["c0", "c1", "c2"]
    np.testing.assert_allclose(reads["conductance_S"], siemens, rtol=1e-14)


def test_byte_order_mark_and_line_ends_do_not_matter(tmp_path):
    (tmp_path / "plain.csv").write_text(GOOD)
    (tmp_path / "other.csv").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    pd.testing.assert_frame_equal(
        read_reads(tmp_path / "plain.csv"), read_reads(tmp_path / "other.csv")
    )


def test_notes_before_the_names_do_not_matter_and_later_ones_are_rows(tmp_path):
    (tmp_path / "plain.csv").write_text(GOOD)
    expected = read_reads(tmp_path / "plain.csv")
    noted = f"# wafer 7, die 3, exported by hand\n#\n{GOOD}"
    (tmp_path / "noted.csv").write_text(noted)
    (tmp_path / "noted.csv.gz").write_bytes(gzip.compress(noted.encode()))
    for path in tmp_path.glob("noted.*"):
        pd.testing.assert_frame_equal(read_reads(path), expected)
    (tmp_path / "plain.csv").write_text(GOOD.replace("b,", "#b,"))
    assert read_reads(tmp_path / "plain.csv")["cell"].tolist() == ["a", "#b"]


def test_csv_and_parquet_of_a_table_give_identical_reads(tmp_path, full):
    full.to_csv(tmp_path / "reads.csv", index=False)
    full.to_csv(tmp_path / "reads.csv.gz", index=False)
    full.to_parquet(tmp_path / "reads.parquet")
    (tmp_path / "temperature_K=9").mkdir()
    full.set_index(["cell", "time_s"]).to_parquet(tmp_path / "temperature_K=9" / "indexed.PARQUET")
    expected = full.astype({"cell": str})[
        ["cell", "time_s", "conductance_S", "target_S", "temperature_K", "cycle"]
    ]
    for path in [*tmp_path.glob("reads.*"), *tmp_path.glob("*/*")]:
        pd.testing.assert_frame_equal(read_reads(path), expected, check_exact=True)


@pytest.mark.parametrize("unit", ["S", "mS", "uS"])
def test_units_of_the_target_give_equal_tables(tmp_path, full, unit):
    # Targets on the edges of levels, the highest at G_max, as a person would write them.
    micro = full["target_S"].mul(1e6).round().astype(int)
    written = {"uS": micro.map("{}".format), "mS": micro.map("0.0{}".format)}
    full[f"target_{unit}"] = written.get(unit, micro.map("{}e-6".format))
    full.drop(columns=[] if unit == "S" else "target_S").to_csv(tmp_path / "r.csv", index=False)
    reads = read_reads(tmp_path / "r.csv")
    table = level_table(reads)
    assert table["level"].tolist() == [0, 1, 2, 3] * 3
    # Of two parts of the range, 20 uS begin the second one, and 40 uS end it.
    assert level_table(reads, levels=2)["n"].tolist() == [20, 60] * 3
    expected = level_table(full.astype({"target_S": float}))
    pd.testing.assert_frame_equal(table, expected, rtol=1e-12)


def relaxation_text(*rows):
    return "".join(f"{cell}\t{t}\t1\t{g}\t1\t0\t{round(t)}\n" for cell, t, g in rows)


def test_relaxation_reads_take_the_nominal_time(tmp_path):
    path = tmp_path / "reads.tsv"
    path.write_text(relaxation_text((7, 0.0, 1e-6), (7, 0.98, 2e-6)))
    expected = pd.DataFrame({"cell": ["7", "7"], "time_s": [0.0, 1.0]})
    expected["conductance_S"] = [1e-6, 2e-6]
    pd.testing.assert_frame_equal(read_relaxation_tsv(path), expected, check_dtype=False)


def test_negative_relaxation_reads_are_left_out_and_counted(tmp_path):
    path = tmp_path / "reads.tsv"
    path.write_text(relaxation_text((7, 0, 1e-6), (7, 1, -1e-7), (8, 0, 1e-6), (8, 1, -1e-9)))
    with pytest.warns(UserWarning, match=r"reads\.tsv: left out 2 negative"):
        assert read_relaxation_tsv(path)["cell"].tolist() == ["7", "8"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (relaxation_text((7, 0, 1), (7, 1, "x")), "row 2: conductance_S must be a finite number"),
        (relaxation_text((7, 0, "-inf")), "row 1: conductance_S must be a finite number"),
        (relaxation_text((7, 0, 1), (7, 0, 2)), "row 2: cell, time_s must be unique together"),
        ("7\t0\t1\n", "row 1: 3 columns must have as many different names"),
    ],
)
def test_bad_relaxation_files_end_in_one_clear_error(tmp_path, text, message):
    path = tmp_path / "reads.tsv"
    path.write_text(text)
    assert error_of(read_relaxation_tsv, path).startswith(f"{path}: {message}, got ")


@pytest.fixture
def levels(reads):
    return level_table(reads)


def test_a_level_table_survives_its_file(tmp_path, levels, full):
    for table in (levels, level_table(full)):
        table.to_csv(tmp_path / "levels.csv", index=False)
        table.to_csv(tmp_path / "levels.csv.gz", index=False)
        table.to_parquet(tmp_path / "levels.parquet")
        for path in tmp_path.iterdir():
            pd.testing.assert_frame_equal(read_level_table(path), table, check_dtype=False)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("technology", "", "technology must not be empty"),
        ("g_max_S", 0.0, "g_max_S must be positive"),
        ("time_s", -1.0, "time_s must be non-negative"),
        ("level", 1.5, "level must be an integer"),
        ("level", -1, "level must be non-negative"),
        ("n", 1, "n must be at least 2"),
        ("g", 1.01, "g must lie in [0, 1]"),
        ("std", 0.0, "std must be positive"),
        ("skewness", "flat", "skewness must be a finite number"),
        ("q0.5", math.inf, "q0.5 must be a finite number"),
        ("q0.5", -9.0, "q0.4, q0.5 must not decrease"),
        ("level", 1, "technology, time_s, level must be unique together"),
    ],
)
def test_bad_level_tables_end_in_one_clear_error(tmp_path, levels, column, value, rule):
    levels = levels.astype({column: object})
    levels.loc[2, column] = value
    levels.to_csv(tmp_path / "levels.csv", index=False)
    message = error_of(read_level_table, tmp_path / "levels.csv")
    assert message.startswith(f"{tmp_path / 'levels.csv'}: row 4: {rule}, got ")
    assert f"'{value}'" in message


@pytest.mark.parametrize("column", LEVEL_COLUMNS)
def test_a_missing_column_is_named(tmp_path, levels, column):
    levels.drop(columns=column).to_csv(tmp_path / "levels.csv", index=False)
    message = error_of(read_level_table, tmp_path / "levels.csv")
    assert f"levels.csv: row 1: columns must include ['{column}'], got [" in message


def test_quantile_columns_are_named_by_their_probability():
    assert [float(name[1:]) for name in QUANTILE_COLUMNS] == list(QUANTILES) == sorted(QUANTILES)
    # Equally many on both sides of the median: the table treats both tails alike.
    np.testing.assert_allclose(1 - np.array(QUANTILES[::-1]), QUANTILES)


def test_examples_run():
    for module in (neft.characterize.reads, neft.characterize.levels):
        result = doctest.testmod(module)
        assert result.attempted and not result.failed
