"""A rerun is compared with what is published: each mean, each difference, each verdict."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neft.pipeline import publish, verify


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
    """A run of two methods, and what of it is published."""
    (tmp_path / "params").mkdir()
    for params in ("params.yaml", "params/mine.yaml"):
        (tmp_path / params).write_text("")
    means = table([0.9, 0.8]).drop(columns="against").rename(columns={"difference": "accuracy"})
    for folder in ("out", "."):
        results = tmp_path / folder / "metrics" / "results"
        results.mkdir(parents=True)
        table([0.05, 0.0]).to_csv(results / "differences.csv", index=False)
        means.to_csv(results / "results.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["verify"])
    return tmp_path


def test_the_command_prints_a_line_each_and_fails_if_one_differs(run: Path, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        verify.main()
    assert not ended.value.code
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "agrees  irs, sigma_d 0.1: 90.0, published 90.0 (+-4.2)"
    assert printed[2].endswith(
        "irs over noise_injection, sigma_d 0.1: 5.0, published 5.0 (+-4.2); better"
    )
    assert printed[-1] == "4 of 4 agree"
    table([0.05, 0.06]).to_csv(run / "out/metrics/results/differences.csv", index=False)
    with pytest.raises(SystemExit) as ended:
        verify.main()
    assert ended.value.code
    last = capsys.readouterr().out.splitlines()[-2]
    assert last.startswith("DIFFERS ovf over noise_injection")
    assert last.endswith("better, published no significant difference")


@pytest.mark.parametrize("params", ["params.yaml", "params/mine.yaml"])
@pytest.mark.parametrize("name", verify.TABLES)
@pytest.mark.parametrize(
    ("missing", "rule", "command"),
    [("out", "its run must be finished", "run"), (".", "a run must be published", "publish")],
)
def test_a_run_that_is_not_finished_or_not_published_is_named(
    run: Path, params: str, name: str, missing: str, rule: str, command: str
) -> None:
    folder = Path() if params == "params.yaml" else Path("results/mine")
    if folder.name:
        shutil.copytree("out", folder / "out")
        shutil.copytree("metrics", folder / "metrics")
    lost = folder / missing / "metrics" / "results" / name
    lost.unlink()
    with pytest.raises(SystemExit) as ended:
        verify.main([params])
    said = str(ended.value.code)
    assert said.startswith(f"error: {params}: {rule}") and "\n" not in said
    assert f"got no {lost}; " in said and said.endswith(f": neft {command} {params}")


@pytest.mark.parametrize("command", [verify.main, publish.main])
@pytest.mark.parametrize("params", ["params/mine.yaml", "params/none.yaml"])
def test_what_was_not_run_is_refused_and_nothing_is_made(
    run: Path, command: Callable, params: str
) -> None:
    before = sorted(run.rglob("*"))
    rule = "its run must be finished" if "mine" in params else "must be a file"
    with pytest.raises(SystemExit, match=f"^error: {params}: {rule}, got"):
        command([params])
    assert sorted(run.rglob("*")) == before
