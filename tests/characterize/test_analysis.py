"""Laws of the command line that makes tables from reads."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neft.characterize import __main__, characterize
from neft.characterize.reads import read_level_table


@pytest.fixture
def reads() -> pd.DataFrame:
    """Programming errors of 1,600 cells at eight targets: 5 % of the range at each target."""
    draw = np.random.default_rng(0)
    target = np.repeat((np.arange(8) + 0.5) / 8 * 50, 200)
    errors = draw.normal(0, 0.05 * 50, len(target))
    return pd.DataFrame(
        {
            "cell": [f"c{i}" for i in range(len(target))],
            "target_uS": target,
            "time_s": 0.0,
            "conductance_uS": (target + errors).clip(min=0),
        }
    )


def run(monkeypatch, path: Path, *options: str) -> None:
    given = ["characterize", str(path), "--technology", "mine", "--g-max-uS", "50", *options]
    monkeypatch.setattr(sys, "argv", given)
    __main__.main()


def test_command_makes_tables_of_the_reads(reads, tmp_path, monkeypatch) -> None:
    reads.to_parquet(tmp_path / "reads.parquet")
    out = tmp_path / "mine"
    run(monkeypatch, tmp_path / "reads.parquet", "--levels", "8", "--output", str(out))
    levels = read_level_table(out / "levels.csv")
    assert levels.technology.unique().tolist() == ["mine"]
    assert levels.n.tolist() == [200] * 8
    sigma_d = pd.read_csv(out / "candidates.csv").set_index("candidate").sigma_d["constant"]
    intervals = pd.read_csv(out / "intervals.csv")
    constant = intervals[intervals.candidate == "constant"].iloc[0]
    assert constant.low < 0.05 < constant.high
    assert constant.low < constant.value == sigma_d < constant.high
    for name in ("intervals", "distances"):
        rows = pd.read_csv(out / f"{name}.csv").query("candidate == 'quantiles'")
        g = rows.groupby("level").g.first()
        assert g.tolist() == pytest.approx(levels.g.tolist())


def test_equal_reads_give_equal_tables(reads, tmp_path, monkeypatch) -> None:
    reads.to_csv(tmp_path / "reads.csv", index=False)
    for name in ("one", "two"):
        run(monkeypatch, tmp_path / "reads.csv", "--levels", "8", "--output", str(tmp_path / name))
    for table in (tmp_path / "one").iterdir():
        first, second = ((tmp_path / name / table.name).read_bytes() for name in ("one", "two"))
        assert first == second


def test_one_call_gives_the_error_of_programming_and_what_comes_on_top_of_it() -> None:
    """Four targets are four levels; every error is that from the target, at time 0 too."""
    draw = np.random.default_rng(1)
    target = np.repeat([10.0, 20.0, 30.0, 45.0], 200)
    programmed = target + draw.normal(1, 2, 800)
    reads = pd.DataFrame(
        {
            "cell": np.tile(np.arange(800), 2),
            "time_s": np.repeat([0.0, 60.0], 800),
            "target_S": np.tile(target, 2) * 1e-6,
            "conductance_S": np.append(programmed, programmed - 3) * 1e-6,
        }
    )
    tables = characterize(reads, technology="mine", g_max_S=50e-6)
    levels = tables["levels"]
    assert levels.level.tolist() == [0, 1, 2, 3] * 2
    assert levels.g.tolist() == pytest.approx([0.2, 0.4, 0.6, 0.9] * 2)
    by_target = (programmed - target).reshape(4, 200) / 50
    mean = by_target.mean(1)
    assert levels["mean"].tolist() == pytest.approx([*mean, *(mean - 3 / 50)])
    assert levels["std"].tolist() == pytest.approx([*by_target.std(1, ddof=1)] * 2)
    assert tables["candidates"].candidate.tolist() == [
        "constant", "s_ratio", "smooth", "quantiles"
    ] * 2  # fmt: skip
    assert (tables["candidates"].levels == 4).all()
    assert tables["ranks"].spearman.tolist() == pytest.approx([1])


def first_reads(reads: pd.DataFrame) -> pd.DataFrame:
    """Replace targets by reads at time 0."""
    first = reads.drop(columns="target_uS")
    return pd.concat([first, first.assign(time_s=1.0, conductance_uS=reads.target_uS)])


BAD = {
    "a folder": (None, "reads.csv: must be a file, got a folder"),
    "a negative conductance": (
        lambda reads: reads.assign(conductance_uS=-1.0),
        "reads: read / target must be 0.01 to 100 in the median, got -",
    ),
    "a failed read": (
        lambda reads: reads.assign(
            conductance_uS=reads.conductance_uS.where(reads.cell != "c3", -9)
        ),
        "reads: conductance must be at least -3% of G_max, -1.5 uS, got -9 uS in cell c3, ",
    ),
    "an empty level": (
        lambda reads: first_reads(reads[reads.target_uS < 40]),
        "level 7 at time_s 1 must have at least 2 reads that differ, got 0",
    ),
    "one target": (
        lambda reads: reads[reads.target_uS > 45],
        "groups must be at least 2 levels of at least 4 reads each at every time, got 1, the smal",
    ),
}


@pytest.mark.parametrize(("spoil", "said"), BAD.values(), ids=BAD)
def test_bad_reads_end_in_one_line_and_leave_nothing(
    spoil, said: str, reads, tmp_path, monkeypatch
) -> None:
    path = tmp_path / "reads.csv"
    if spoil is None:
        path.mkdir()
    else:
        spoil(reads).to_csv(path, index=False)
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch, path, "--levels", "8", "--output", str(tmp_path / "mine"))
    message = str(caught.value.code)
    assert message.startswith("error: ")
    assert said in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == [path]
