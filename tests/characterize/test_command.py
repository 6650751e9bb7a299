"""Laws of what `neft characterize` prints: the tables' numbers, lines that params.yaml takes."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from neft.characterize import __main__, bundled, read_level_table, variation_models
from neft.characterize.level_counts import usable_levels
from neft.characterize.reads import read_reads
from neft.characterize.terminal import folder_for_params
from neft.devices import PRESETS
from neft.pipeline import parameters

PARAMS = Path(__file__).parents[2] / "params.yaml"
YAML12 = YAML(typ="safe", pure=True)


def relaxed(cells: int = 600) -> pd.DataFrame:
    """Reads of cells that start everywhere in 0 to 50 uS and drift downwards with time."""
    draw = np.random.default_rng(0)
    first = draw.uniform(0, 50, cells)
    return pd.concat(
        pd.DataFrame(
            {
                "cell": range(cells),
                "time_s": time_s,
                "conductance_uS": (first - drift * draw.uniform(0, 5, cells)).clip(0),
            }
        )
        for time_s, drift in ((0, 0), (1, 0.5), (2.5e6, 1))
    )


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params.yaml and reads, as current folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(PARAMS, "params.yaml")
    relaxed().to_csv("reads.csv", index=False)
    return tmp_path


def call(*options: str, reads: str = "reads.csv", technology: str = "mine") -> None:
    given = [reads, "--technology", technology, "--g-max-uS", "50", "--quiet"]
    __main__.main([*given, *(options or ("--levels", "8", "--output", "own/mine"))])


def test_it_prints_the_tables_numbers_and_nothing_else(root: Path, capsys) -> None:
    call()
    said = capsys.readouterr()
    intervals, candidates = (
        pd.read_csv(f"own/mine/{name}.csv") for name in ("intervals", "candidates")
    )
    rows = intervals[(intervals.candidate == "constant") & (intervals.parameter == "sigma_d")]
    assert len(rows) == 2
    for row in rows.itertuples():
        adequate = candidates[(candidates.time_s == row.time_s) & candidates.adequate].candidate
        size = f"{row.value:.4f} ({row.low:.4f} to {row.high:.4f})"
        (line,) = (line for line in said.out.splitlines() if size in line)
        assert line.split()[0] == f"{row.time_s:g}"
        assert line.split()[-1] == adequate.iloc[0]
    assert "The tables are in own/mine." in said.out
    assert "mine, 2.5e+06 s: for tails and worst cases use" in said.out
    assert max(map(len, said.out.splitlines())) <= 100
    assert said.err == ""


def pasted(said: str) -> dict[str, Any]:
    """The values of params.yaml with the printed lines in place of its own."""
    printed = YAML12.load(said[said.index("\nvariation:") :])
    values = YAML12.load(PARAMS)
    assert printed.keys() == {"variation", "hardware"}
    return values | {
        "variation": printed["variation"],
        "hardware": values["hardware"] | printed["hardware"],
    }


def test_the_printed_lines_make_params_yaml_choose_the_tables(root: Path, capsys) -> None:
    call()
    values = pasted(capsys.readouterr().out)
    YAML12.dump(values, root / "params.yaml")
    run = parameters.load("params.yaml")
    levels = read_level_table(Path(run.variation.folder) / "levels.csv")
    ((technology, time_s),) = run.variation.technologies.items()
    rows = variation_models.at_time(levels, technology, time_s)
    assert rows.time_s.unique().tolist() == [2.5e6]
    makers = (variation_models.gaussian, variation_models.smooth, variation_models.empirical)
    assert run.hardware.preset in {make(rows).name for make in makers}


def test_folders_are_relative_to_params_yaml_or_else_absolute(root: Path, monkeypatch) -> None:
    assert folder_for_params(Path("own/mine")) == "own/mine"
    assert folder_for_params(root / "own" / "mine") == "own/mine"
    assert folder_for_params(Path("../mine")) == str(root.parent / "mine")
    (root / "elsewhere").mkdir()
    monkeypatch.chdir(root / "elsewhere")
    assert folder_for_params(Path("mine")) == str(root / "elsewhere" / "mine")


@pytest.mark.parametrize("name", ["a: b #1", "7", "größe"])
def test_any_folders_name_stays_text_in_yaml(name: str, root: Path, capsys) -> None:
    call("--levels", "8", "--output", name)
    assert pasted(capsys.readouterr().out)["variation"]["folder"] == name


def test_reads_at_time_0_only_are_the_error_of_programming(root: Path, capsys) -> None:
    target = np.repeat((np.arange(8) + 0.5) / 8 * 50, 60)
    errors = np.random.default_rng(0).normal(0, 2, len(target))
    columns = {"cell": range(len(target)), "target_uS": target, "time_s": 0.0}
    reads = pd.DataFrame(columns | {"conductance_uS": (target + errors).clip(0)})
    reads.to_csv("reads.csv", index=False)
    call()
    assert pasted(capsys.readouterr().out)["variation"]["technologies"] == {"mine": 0}


def test_too_many_levels_name_a_number_that_would_do(root: Path, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        call("--levels", "400", "--output", "many")
    form = r"error: reads: level \d+ at .* must have at least 2 reads .*; --levels (\d+) would do"
    (fewer,) = re.fullmatch(form, str(ended.value.code)).groups()
    assert not Path("many").exists()
    call("--levels", fewer, "--output", "fewer")
    assert f"{fewer} levels of 0 to 50 uS" in capsys.readouterr().out


@pytest.mark.parametrize("cells", [40, 100, 600])
def test_usable_levels_are_fewer_and_each_has_enough_cells(cells: int, tmp_path: Path) -> None:
    relaxed(cells).to_csv(tmp_path / "reads.csv", index=False)
    reads = read_reads(tmp_path / "reads.csv")
    first = reads.conductance_S[reads.time_s == 0] / 50e-6
    for below in (cells, 33, 6):
        count = usable_levels(reads, g_max_S=50e-6, below=below)
        assert count is not None and 5 <= count < below
        assert np.bincount((first * count).astype(int), minlength=count).min() >= 4


def test_an_empty_part_of_the_range_has_no_usable_number(root: Path) -> None:
    reads = read_reads("reads.csv")
    assert usable_levels(reads, g_max_S=100e-6, below=32) is None
    with pytest.raises(SystemExit, match=r"got 0 that begin at 50 to 53\.125 uS$"):
        __main__.main(["reads.csv", "--technology=x", "--g-max-uS=100", "--output=x", "--quiet"])


@pytest.mark.parametrize("g_max_uS", ["0.05", "50000", "50e6"])
@pytest.mark.parametrize("columns", [["target_uS"], []])
def test_a_wrong_unit_of_the_range_is_named_without_advice_on_levels(
    g_max_uS: str, columns: list[str], root: Path
) -> None:
    reads = pd.read_csv("reads.csv")
    reads = reads.assign(target_uS=reads.groupby("cell").conductance_uS.transform("first"))
    reads[["cell", "time_s", "conductance_uS", *columns]].to_csv("reads.csv", index=False)
    with pytest.raises(SystemExit) as ended:
        __main__.main(["reads.csv", "--technology=x", f"--g-max-uS={g_max_uS}", "--output=x"])
    said = str(ended.value.code)
    assert "G_max" in said and f" {float(g_max_uS):g} uS" in said and "--levels" not in said
    assert not Path("x").exists()


def test_cells_beyond_the_range_are_counted(root: Path, capsys) -> None:
    first = pd.read_csv("reads.csv").query("time_s == 0").conductance_uS
    __main__.main(
        ["reads.csv", "--technology=x", "--g-max-uS=40", "--levels=8", "--output=x", "--quiet"]
    )
    said = capsys.readouterr().out.splitlines()[0]
    assert (
        said == f"Left out: {(first >= 40).sum()} of 600 cells, whose first read is G_max or more."
    )


def test_reads_below_0_are_counted_and_the_lowest_is_said(root: Path, capsys) -> None:
    reads = pd.read_csv("reads.csv")
    low = reads.conductance_uS < 0.3
    reads.assign(conductance_uS=reads.conductance_uS - 0.3).to_csv("reads.csv", index=False)
    call()
    least = reads.conductance_uS.min() - 0.3
    said = f"Kept: {low.sum()} of 1800 reads, which are below 0, down to {least:g} uS."
    assert capsys.readouterr().out.splitlines()[0] == said


NAMES = ["mine", "a" * 60, "a" * 61, "my device", "9x", "a/b", "hardware", *PRESETS, "RRAM_B"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_refused_as_params_yaml_refuses_them(name: str, root: Path) -> None:
    values = YAML12.load(PARAMS)
    values["variation"]["technologies"] = {name: 1.0}
    values["hardware"]["preset"] = "RRAM1"
    YAML12.dump(values, root / "params.yaml")
    try:
        parameters.load("params.yaml")
        refused = False
    except ValueError:
        refused = True
    # Reads that are not there are found out after a good name only.
    with pytest.raises(SystemExit) as ended:
        call("--output", "x", reads="none.csv", technology=name)
    assert ("--technology must" in str(ended.value.code)) == refused
    assert "\n" not in str(ended.value.code)


def test_rebuilding_the_bundled_tables_without_the_reads_ends_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^error: .* must exist; .* how to get it from http"):
        bundled.main([str(tmp_path)])
