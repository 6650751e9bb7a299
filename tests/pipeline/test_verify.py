"""A rerun is compared with what git holds: each mean, each difference, each verdict."""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neft.pipeline import verify

WHO = ["-c", "user.name=x", "-c", "user.email=x"]


def table(values: list[float], half: float = 0.03) -> pd.DataFrame:
    rows = pd.DataFrame({"method": ["irs", "ovf"], "against": "noise_injection", "sigma_d": 0.1})
    return rows.assign(difference=values, low=np.array(values) - half, high=np.array(values) + half)


def test_values_agree_within_the_interval_of_their_difference() -> None:
    allowed = 0.03 * 2**0.5
    found = verify.compare(
        table([0.05 + 0.99 * allowed, 0.05 + 1.01 * allowed]), table([0.05, 0.05]), "difference"
    )
    assert found.agrees.tolist() == [True, False]
    assert found.allowed.tolist() == pytest.approx([allowed] * 2)


def test_equal_runs_agree_and_opposite_verdicts_never_do() -> None:
    same = verify.compare(table([0.05, 0.0]), table([0.05, 0.0]), "difference")
    assert same.agrees.all()
    assert same.verdict.tolist() == ["better", "no significant difference"]
    opposite = verify.compare(table([0.0301, 0.05]), table([-0.0301, 0.0]), "difference")
    assert opposite.agrees.tolist() == [False, False]
    assert opposite[["verdict", "published_verdict"]].iloc[0].tolist() == ["better", "worse"]


def test_runs_of_other_methods_are_not_compared() -> None:
    with pytest.raises(ValueError, match=r"same rows, method ovf.* is in the published one only"):
        verify.compare(table([0.0, 0.0])[:1], table([0.0, 0.0]), "difference")


def test_runs_of_one_seed_are_not_compared() -> None:
    one = table([0.05, 0.0]).assign(low=np.nan, high=np.nan)
    for pair in ((one, table([0.05, 0.0])), (table([0.05, 0.0]), one)):
        with pytest.raises(ValueError, match="must have two seeds or more"):
            verify.compare(*pair, "difference")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a committed run of two methods."""
    results = tmp_path / "metrics" / "results"
    results.mkdir(parents=True)
    (tmp_path / "params.yaml").write_text("")
    table([0.05, 0.0]).to_csv(results / "differences.csv", index=False)
    means = table([0.9, 0.8]).drop(columns="against").rename(columns={"difference": "accuracy"})
    means.to_csv(results / "results.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["verify"])
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "run"]):
        subprocess.run(["git", *WHO, *command], check=True)
    return results


def test_the_command_prints_a_line_each_and_fails_if_one_differs(run: Path, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        verify.main()
    assert not ended.value.code
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "agrees  irs, sigma_d 0.1: 90.0, published 90.0 (+-4.2)"
    assert printed[2].endswith(
        "irs over noise_injection, sigma_d 0.1: 5.0, published 5.0 (+-4.2); better"
    )
    assert printed[-1].startswith("4 of 4 agree, with equal numbers: no run since then, or one")
    table([0.051, 0.0]).to_csv(run / "differences.csv", index=False)
    with pytest.raises(SystemExit):
        verify.main()
    assert capsys.readouterr().out.splitlines()[-1] == "4 of 4 agree"
    table([0.05, 0.06]).to_csv(run / "differences.csv", index=False)
    with pytest.raises(SystemExit) as ended:
        verify.main()
    assert ended.value.code
    last = capsys.readouterr().out.splitlines()[-2]
    assert last.startswith("DIFFERS ovf over noise_injection")
    assert last.endswith("better, published no significant difference")


def test_a_run_that_is_missing_or_not_committed_is_named(run: Path) -> None:
    (run / "results.csv").unlink()
    with pytest.raises(SystemExit, match=r"error: .*results\.csv: must be there, after neft run"):
        verify.main()
    table([0.0, 0.0]).to_csv(run / "results.csv")
    subprocess.run(["git", "rm", "-q", "--cached", "metrics/results/results.csv"], check=True)
    subprocess.run(["git", *WHO, "commit", "-qm", "gone"], check=True)
    with pytest.raises(SystemExit, match=r"error: metrics/results/results\.csv: must be committed"):
        verify.main()
