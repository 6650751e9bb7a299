"""Faults in files of reads: each gives one clear error and leaves no file behind."""

import gzip
import io
import zipfile

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from helpers.reads import GOOD, HEADER, error_of

from neft.characterize.reads import read_level_table, read_reads, read_relaxation_tsv

UNREADABLE = "file must be a readable table, got "
ONE_UNIT = "exactly one column must be of ['conductance_S', 'conductance_mS', 'conductance_uS']"
ONE_TARGET = "at most one column must be of ['target_S', 'target_mS', 'target_uS']"


FAILED = "; leave out the row if the read failed"
AGAIN = (
    "; a column cycle tells apart programmings of one cell, a label with all its parts (such as "
    "wafer-die-cell) tells apart cells"
)
KELVIN = "; kelvin = degrees Celsius + 273.15"
COLD = f"{KELVIN}; leave out the column if the devices were colder than 200 K"
NONE_AT_ALL = f"row 1: columns must include ['cell', 'time_s'] and {ONE_UNIT}, got "


def no_unit(*names):
    return f"row 1: {ONE_UNIT}, got {list(names)}"


BAD_TABLES = {
    "": "file must be a readable table, got No columns to parse from file",
    HEADER: "row 2: table must have a row here, got its end",
    f"# a note\n{HEADER}": "row 3: table must have a row here, got its end",
    "# a note\n": "file must be a readable table, got No columns to parse from file",
    "time_s,conductance_S\n0,1\n": (
        "row 1: columns must include ['cell'], got ['time_s', 'conductance_S']"
    ),
    "cell,conductance_S\n0,1\n": (
        "row 1: columns must include ['time_s'], got ['cell', 'conductance_S']"
    ),
    "cell,time_s\na,0\n": no_unit("cell", "time_s"),
    "cell;time_s;conductance_S\na;0;1\n": f"{NONE_AT_ALL}['cell;time_s;conductance_S']",
    "cell\ttime_s\tconductance_S\na\t0\t1\n": (f"{NONE_AT_ALL}['cell\\ttime_s\\tconductance_S']"),
    "<!DOCTYPE html>\n<html>\n<body>Error 404</body>\n</html>\n": (
        f"{NONE_AT_ALL}['<!DOCTYPE html>']"
    ),
    "cell,time_s,conductance_nS\na,0,1\n": no_unit("cell", "time_s", "conductance_nS"),
    "cell,time_s,Conductance_uS\na,0,1\n": no_unit("cell", "time_s", "Conductance_uS"),
    "cell,time_s,conductance_S,conductance_uS\na,0,0,0\n": (
        no_unit("cell", "time_s", "conductance_S", "conductance_uS")
    ),
    "cell,conductance_S,conductance_uS\na,0,0\n": (
        f"row 1: columns must include ['time_s'] and {ONE_UNIT}, "
        "got ['cell', 'conductance_S', 'conductance_uS']"
    ),
    "cell,time,conductance_S,target,temperature_C\na,0,0,0,25\n": (
        f"row 1: columns must include ['time_s'] and {ONE_TARGET} and at most one column must be "
        "of ['temperature_K'], "
        f"got ['cell', 'time', 'conductance_S', 'target', 'temperature_C']{KELVIN}"
    ),
    "cell,time_s,conductance_S,target_uS,target_S\na,0,0,0,0\n": (
        f"row 1: {ONE_TARGET}, got ['cell', 'time_s', 'conductance_S', 'target_uS', 'target_S']"
    ),
    "cell,time_s,conductance_S,target_nS\na,0,0,0\n": (
        f"row 1: {ONE_TARGET}, got ['cell', 'time_s', 'conductance_S', 'target_nS']"
    ),
    "cell,time_s,conductance_S,temperature_C\na,0,0,25\n": (
        "row 1: at most one column must be of ['temperature_K'], "
        f"got ['cell', 'time_s', 'conductance_S', 'temperature_C']{KELVIN}"
    ),
    "cell,cell\na,b\n": (
        "row 1: 2 columns must have as many different names, got ['cell', 'cell']"
    ),
    "cell,time_s,conductance_uS\na,0,-\n": (
        f"row 2: conductance_uS must be a finite number, got '-'{FAILED}"
    ),
}
BAD_FOURTH_ROWS = {
    **{
        f"a,1,{value}": f"conductance_S must be a finite number, got '{value}'{FAILED}"
        for value in ("high", "True", "inf", "nan", "")
    },
    "a,1": f"conductance_S must be a finite number, got ''{FAILED}",
    "a,later,1": "time_s must be a finite number, got 'later'",
    "a,-inf,1": "time_s must be a finite number, got '-inf'",
    "a,-1,1": "time_s must be non-negative, got '-1'",
    ",1,1e-6": "cell must not be empty, got ''",
    "a,0.0,3e-6": f"cell, time_s must be unique together, got 'a', '0.0'{AGAIN}",
    "a,0,1\n\nb,x,-1\nc,1,y": f"cell, time_s must be unique together, got 'a', '0'{AGAIN}",
}
FULL = "cell,cycle,time_s,conductance_uS,target_uS,temperature_K\na,0,0,9,10,300\n"
BAD_THIRD_ROWS = {
    "a,0,1,9,11,300": "target_uS must be one value in a cell and cycle, got '11'",
    "a,0,1,9,10,301": "temperature_K must be one value in a cell and cycle, got '301'",
    "a,0,0.0,9,10,300": "cell, cycle, time_s must be unique together, got 'a', '0', '0.0'",
    "a,1.5,0,9,10,300": "cycle must be an integer, got '1.5'",
    "a,-1,0,9,10,300": "cycle must be non-negative, got '-1'",
    "a,1e16,0,9,10,300": "cycle must be below 2^53, got '1e16'",
    "a,first,0,9,10,300": "cycle must be a finite number, got 'first'",
    "a,1,0,9,-10,300": "target_uS must be non-negative, got '-10'",
    "a,1,0,9,inf,300": "target_uS must be a finite number, got 'inf'",
    "a,1,0,9,,300": "target_uS must be a finite number, got ''",
    **{
        f"a,1,0,9,10,{value}": f"temperature_K must be at least 200, got '{value}'{COLD}"
        for value in ("-40", "0", "25", "85", "199.9")
    },
    "a,1,0,9,10,room": f"temperature_K must be a finite number, got 'room'{COLD}",
}
BAD_ROWS = {f"{GOOD}{row}\n": f"row 4: {rule}" for row, rule in BAD_FOURTH_ROWS.items()}
BAD_ROWS |= {f"{FULL}{row}\n": f"row 3: {rule}" for row, rule in BAD_THIRD_ROWS.items()}
BAD_READS = BAD_TABLES | BAD_ROWS
BAD_READS |= {
    f"{GOOD}\n\nb,1,-\n": f"row 6: conductance_S must be a finite number, got '-'{FAILED}",
    f"{GOOD}a,1,1e-6,9\n": (f"{UNREADABLE}row 4 of 4 fields between commas, after rows of 3"),
    f"# wafer 7, die 3\n#\n{GOOD}b,1,-\n": (
        f"row 6: conductance_S must be a finite number, got '-'{FAILED}"
    ),
    f"{GOOD}# end\n": "row 4: time_s must be a finite number, got ''",
    f"# 1, 2\n{GOOD}a,1,1e-6,9\n": (
        f"{UNREADABLE}row 5 of 4 fields between commas, after rows of 3"
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD_READS.items())
@pytest.mark.parametrize("name", ["reads.csv", "reads.csv.gz"])
def test_bad_reads_end_in_one_clear_error(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    assert error_of(read_reads, path) == f"{path}: {message}"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("text", "message"), BAD_ROWS.items())
def test_parquet_of_bad_text_ends_in_the_same_error(tmp_path, text, message):
    path = tmp_path / "reads.parquet"
    lines = "".join(line for line in text.splitlines(keepends=True) if line.strip())
    table = pd.read_csv(io.StringIO(lines), dtype=str, keep_default_na=False)
    table.to_parquet(path)
    assert error_of(read_reads, path) == f"{path}: {message}"


def test_parts_of_a_label_are_joined_by_the_line_that_is_said(tmp_path):
    path = tmp_path / "reads.csv"
    path.write_text("wafer,Die_x,row1,note,time_s,conductance_S\n7,0,1,a,0,1e-6\n7,0,2,a,0,2e-6\n")
    message = error_of(read_reads, path)
    assert message.startswith(f"{path}: row 1: columns must include ['cell'], got ['wafer', ")
    table = pd.read_csv(path)
    exec(message.rpartition(": ")[2], {"table": table})
    table.to_csv(path, index=False)
    assert read_reads(path)["cell"].tolist() == ["7-0-1", "7-0-2"]


@pytest.mark.parametrize("name", ["label", "dielectric", "rows", "cellar", "cell;x;y"])
def test_other_columns_are_not_taken_for_parts_of_a_label(tmp_path, name):
    path = tmp_path / "reads.csv"
    path.write_text(f"{name},time_s,conductance_S\na,0,1e-6\n")
    assert error_of(read_reads, path).endswith(f", got ['{name}', 'time_s', 'conductance_S']")


def parquet(**columns):
    columns = {"cell": ["a", "b"], "time_s": [0, 1], "conductance_S": [0.5, 0.25]} | columns
    kept = {name: values for name, values in columns.items() if values is not None}
    return table_bytes(list(kept), list(kept.values()))


def table_bytes(names, values):
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(values, names=names), sink)
    return sink.getvalue()


TWICE = table_bytes(["cell", "time_s", "conductance_S", "conductance_S"], [["a"], [0], [1], [1]])


def excel():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("xl/worksheets/sheet1.xml"), bytes(range(256)) * 9)
    return sink.getvalue()


SECOND = np.timedelta64(1, "s")
DATES = np.array(["2024-01-01", "2024-01-02"], "M8[s]")
NO_NUMBER = "must be a finite number, got"
BAD_CSV = {
    "utf-16": (GOOD.encode("utf-16"), UNREADABLE),
    "latin-1": (f"{GOOD}µ,0,1\n".encode("latin-1"), UNREADABLE),
    "excel": (excel(), UNREADABLE),
    "page": (f"<p>\n{'x, ' * 9}\n".encode(), UNREADABLE),
    "long page": (b"<p>" * 9999 + b"\nx\n", f"{NONE_AT_ALL}['<p><p>"),
    "gzip named csv": (gzip.compress(GOOD.encode()), UNREADABLE),
}
BAD_GZIP = {
    "csv named gzip": (GOOD.encode(), UNREADABLE),
    "cut gzip": (gzip.compress(GOOD.encode() * 99)[:-20], UNREADABLE),
}
BAD_PARQUET = {
    "cut parquet": (parquet()[:-20], UNREADABLE),
    "headless parquet": (parquet()[200:], UNREADABLE),
    "csv named parquet": (GOOD.encode(), UNREADABLE),
    "empty parquet": (b"", UNREADABLE),
    "twice": (TWICE, f"{UNREADABLE}Multiple matches"),
    "no rows": (
        parquet(cell=[], time_s=[], conductance_S=[]),
        "row 2: table must have a row here, got its end",
    ),
    "no cell": (parquet(cell=None), "row 1: columns must include ['cell'], got ["),
    "wrong column": (parquet(conductance_S=None, g=[1, 2]), f"row 1: {ONE_UNIT}, got"),
    "number": (parquet(time_s=[1, -2.5]), "row 3: time_s must be non-neg"),
    "null": (parquet(time_s=[0, None]), f"row 3: time_s {NO_NUMBER} nan"),
    "null cell": (parquet(cell=[None, "b"]), "row 2: cell must not be empty, got ''"),
    "truth": (parquet(conductance_S=[True, False]), f"row 2: conductance_S {NO_NUMBER} True"),
    "duration": (parquet(time_s=[0 * SECOND, SECOND]), "row 2: time_s must be a finite"),
    "date": (parquet(time_s=DATES), f"row 2: time_s {NO_NUMBER} '2024-01-01"),
    "lists": (
        parquet(cell=[["a"], ["a"]], time_s=[0, 0]),
        "row 3: cell, time_s must be unique together, got",
    ),
}
BAD_BYTES = {"r.csv": BAD_CSV, "r.csv.gz": BAD_GZIP, "r.parquet": BAD_PARQUET}


@pytest.mark.parametrize(
    ("name", "fault"), [(name, fault) for name in BAD_BYTES for fault in BAD_BYTES[name]]
)
def test_files_that_are_no_table_of_reads_end_in_one_clear_error(tmp_path, name, fault):
    path, (content, message) = tmp_path / name, BAD_BYTES[name][fault]
    path.write_bytes(content)
    error = error_of(read_reads, path)
    assert error.startswith(f"{path}: {message}")
    assert "\n" not in error and len(error) < 1500
    assert [(p, p.read_bytes()) for p in tmp_path.iterdir()] == [(path, content)]


@pytest.mark.parametrize("reader", [read_reads, read_relaxation_tsv, read_level_table])
def test_a_path_without_a_readable_table_is_named(tmp_path, reader):
    whole = gzip.compress(GOOD.encode() * 99)
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "plain.csv.gz").write_text(GOOD)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x80")
    (tmp_path / "folder.parquet").mkdir()
    names = ["missing.csv", ".", "cut.csv.gz", "plain.csv.gz", "binary.csv"]
    names += ["missing.parquet", "folder.parquet"] * (reader is not read_relaxation_tsv)
    for name in names:
        message = error_of(reader, tmp_path / name)
        said = "must be a file, got" if name[0] in "m.f" else UNREADABLE
        assert message.startswith(f"{tmp_path / name}: {said}")
        assert "\n" not in message
