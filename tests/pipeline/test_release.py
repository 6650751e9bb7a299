"""Released networks are those of the run, and their cards say what its tables say."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers.training import train_tiny_grid

from neft.chip import accuracy
from neft.data.datasets import Source
from neft.evaluation import load_trained, pretrained
from neft.pipeline import release
from neft.statistics.confidence import student_interval

ROOT = Path(__file__).parents[2]
MEANS = {"noise_injection": 0.8, "ovf": 0.9, "irs": 0.7, "clipped": 0.95}
COMMITTED = sorted(pretrained.FOLDER.glob("*.safetensors"))


@pytest.fixture
def run(tmp_path: Path, one_process: None) -> Path:
    """A finished run of the default parameters; every method has the same tiny networks."""
    run = tmp_path / "run"
    train_tiny_grid(run / "runs" / "ovf", sigma_d=[0.05, 0.1, 0.2], seeds=[0, 1, 2])
    shutil.copy(ROOT / "params.yaml", run)
    results = pd.DataFrame({"method": MEANS, "accuracy": MEANS}).assign(sigma_d=0.1)
    results["method"] = results.index
    (run / "metrics" / "results").mkdir(parents=True)
    results.to_csv(run / "metrics" / "results" / "results.csv", index=False)
    for method in MEANS:
        if method != "ovf":
            shutil.copytree(run / "runs" / "ovf", run / "runs" / method)
        rename(run / "runs" / method, method)
        folder = run / "metrics" / "montecarlo" / method
        folder.mkdir(parents=True)
        draws = pd.DataFrame({"accuracy": [0.81, 0.85, 0.5, 0.5], "seed": [0, 0, 1, 0]})
        draws.assign(trained_sigma_d=[0.1, 0.1, 0.1, 0.2]).to_csv(folder / "draws.csv")
    return run


def rename(folder: Path, method: str) -> None:
    """Let the networks say that this method trained them."""
    for path in folder.iterdir():
        tensors, header = release.checkpoints.load(path)
        release.checkpoints.save(path, tensors, **{**header, "method": method})


def test_networks_are_copied_with_cards_of_their_own_chips(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = release.release(run, tmp_path / "to")
    assert names == [f"lenet5_tiny_{name}" for name in ("noise_injection", "ovf", "irs", "clipped")]
    assert {path.stem for path in (tmp_path / "to").iterdir()} == set(names)
    found = student_interval([0.81, 0.85])
    for name in names:
        card = (tmp_path / "to" / f"{name}.md").read_text()
        assert f"{100 * found.mean:.1f} % ({100 * found.low:.1f}–{100 * found.high:.1f}," in card
        assert "on 2 chips" in card and "sigma_d = 0.1." in card and "seed 0;" in card
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "to")
    trained, _ = load_trained(run / "runs" / "ovf" / "sigma_d=0.1,seed=0.safetensors")
    images = torch.randn(4, 1, 32, 32)
    assert torch.equal(pretrained.load_network("lenet5_tiny_ovf")(images), trained(images))
    with pytest.raises(ValueError, match=r"name must be one of lenet5_tiny_clipped, .*got 'mine'"):
        pretrained.load_network("mine")


def test_unfinished_runs_and_large_networks_are_refused(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "MEBIBYTES", 0.01)
    with pytest.raises(ValueError, match=r"safetensors: must be at most 0.01 MiB, is 0\.\d MiB"):
        release.release(run, tmp_path / "to")
    table = run / "metrics" / "results" / "results.csv"
    rows = pd.read_csv(table)
    rows[rows.method != "irs"].to_csv(table)
    with pytest.raises(ValueError, match="must have run noise_injection, ovf, irs, not irs"):
        release.release(run, tmp_path / "to")
    table.unlink()
    with pytest.raises(ValueError, match=r"results\.csv: no such file: the run must be finished"):
        release.release(run, tmp_path / "to")


def test_every_committed_network_has_a_card() -> None:
    assert COMMITTED
    assert {path.stem for path in pretrained.FOLDER.glob("*.md")} == {p.stem for p in COMMITTED}


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_networks_classify_without_errors(path: Path) -> None:
    _, header = load_trained(path)
    images, labels = Source(**header["dataset"]).load().test.tensors
    with torch.no_grad():
        assert accuracy(pretrained.load_network(path.stem)(images), labels) > 0.9
