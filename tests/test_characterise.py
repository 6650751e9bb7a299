"""From reads to tables, as a user's command line does it."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neft import characterise
from neft.measurements import read_level_table


@pytest.fixture
def reads() -> pd.DataFrame:
    """Programming errors of 1,600 cells at eight targets: 5 % of the range, everywhere alike."""
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
    given = ["characterise", str(path), "--technology", "mine", "--g-max-uS", "50", *options]
    monkeypatch.setattr(sys, "argv", given)
    characterise.main()


def test_command_makes_tables_that_say_what_the_reads_are(reads, tmp_path, monkeypatch) -> None:
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


def test_bad_reads_end_in_one_line_and_leave_nothing(reads, tmp_path, monkeypatch) -> None:
    reads.assign(conductance_uS=-1.0).to_csv(tmp_path / "reads.csv", index=False)
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch, tmp_path / "reads.csv", "--output", str(tmp_path / "mine"))
    message = str(caught.value.code)
    assert message.startswith(f"error: {tmp_path / 'reads.csv'}: row 2: conductance_uS must be")
    assert "\n" not in message
    assert not (tmp_path / "mine").exists()
