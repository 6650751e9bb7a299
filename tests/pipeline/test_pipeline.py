"""The whole pipeline at smoke size, as a user meets it: clone, repro, change, look."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from neft.evaluation import load_trained

ROOT = Path(__file__).parents[2]
STUDIES = ("mapping", "ageing", "ablations", "deployment", "causes", "border", "search")
NAMED = {"ablations", "causes", "border", "search"}  # not of the default run
PYCACHE = ":(exclude,glob)**/__pycache__/**"


class Clone:
    """A clone of this repository with small parameters, of the default run or another one."""

    def __init__(
        self, folder: Path, params: str = "params.yaml", small: str = "smoke.yaml"
    ) -> None:
        self.folder, self.params = folder, params
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        shutil.copy(ROOT / "tests" / small, folder / params)

    def call(self, *command: str, fails: bool = False) -> str:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command, cwd=self.folder, env={**os.environ, "PATH": path}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def repro(self) -> set[str]:
        """Run the pipeline and say which stages ran, but the check of changed parameters."""
        lines = self.call("python", "-m", "neft.pipeline.run", self.params).splitlines()
        start, end = "Running stage '", "':"
        return {
            line.removeprefix(start).removesuffix(end) for line in lines if line.startswith(start)
        } - {"check"}

    def change(self, old: str, new: str) -> None:
        params = self.folder / "params.yaml"
        text = params.read_text()
        assert old in text
        params.write_text(text.replace(old, new))

    def results(self, run: str = ".") -> dict[str, str]:
        """SHA-256 of everything that a run makes, but what names its parameter file."""
        root = self.folder / run / "out"
        return {
            str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in root.rglob("*")
            if path.is_file() and path.name not in (".gitignore", "results.md")
        }


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    clone = Clone(tmp_path_factory.mktemp("first") / "neft")
    clone.repro()
    return clone


def test_every_result_is_there(clone: Clone) -> None:
    """Every stage has a folder of figures, and of the same figures that are committed."""
    for stage in ("variation", "results", *STUDIES):
        found = {path.name: path for path in (clone.folder / "out" / "figures" / stage).iterdir()}
        assert found
        assert all(path.read_text().startswith("<?xml") for path in found.values())
        committed = {path.name for path in (ROOT / "figures" / stage).glob("*")}
        assert found.keys() == committed or stage in NAMED
    results = pd.read_csv(clone.folder / "out" / "metrics" / "results" / "results.csv")
    assert set(results.method) == {"noise_injection", "irs"}
    assert (results.seeds == 2).all()
    assert (results.chips == 2).all()
    assert results.accuracy.between(0.05, 1).all()
    assert "lenet5 (width 0.5)" in (clone.folder / "out" / "results.md").read_text()
    assert "Compare the methods" in (clone.folder / "out" / "report.html").read_text()


def test_nothing_runs_twice(clone: Clone) -> None:
    assert clone.repro() == set()


def test_a_whole_chip_is_met_in_training_and_tests(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "neft", small="smoke_chip.yaml")
    assert {"training@irs", "montecarlo@irs", "study@chip"} <= clone.repro()
    out = clone.folder / "out"
    learned = {
        method: load_trained(out / "runs" / method / "sigma_d=0.1,seed=0.safetensors")[1]
        for method in ("noise_injection", "irs")
    }
    assert "learned_ranges" not in learned["noise_injection"]
    assert all(bound > 0 for bound in learned["irs"]["learned_ranges"].values())
    series = pd.read_csv(out / "metrics" / "chip" / "accuracy.csv")
    parts = ["devices", "stuck", "read_noise", "converters", "compensation"]
    assert list(series.part.unique()) == parts
    whole = series[(series.series == "added") & (series.part == "compensation")]
    tested = pd.read_csv(out / "metrics" / "results" / "results.csv").set_index("method")
    for row in whole.itertuples():
        assert row.accuracy == pytest.approx(tested.accuracy[row.method])
    assert ", with stuck devices, read noise, converters" in (out / "results.md").read_text()


def test_metrics_and_plots_are_shown(clone: Clone) -> None:
    shown = json.loads(clone.call("dvc", "metrics", "show", "--json"))
    files = shown[""]["data"]
    accuracy = json.loads((clone.folder / "out/metrics/results/accuracy.json").read_text())
    assert files[str(Path("out/metrics/results/accuracy.json"))]["data"] == accuracy
    clone.call("dvc", "plots", "show")
    page = (clone.folder / "dvc_plots" / "index.html").read_text()
    drawn = [path.relative_to(clone.folder) for path in clone.folder.glob("out/figures/*/*.svg")]
    assert len(drawn) > 10
    assert all(str(path) in page for path in drawn)


def test_second_clone_and_a_folder_of_its_own_give_the_same_bytes(
    clone: Clone, tmp_path: Path
) -> None:
    """And leave everything else as it was: the default run's results, and what git sees."""
    second = Clone(tmp_path / "neft", "params/smoke.yaml")
    status = ("git", "status", "--short", "--ignored", ":!results", PYCACHE)
    before = second.call(*status)
    publish = ("python", "-m", "neft", "publish", "params/smoke.yaml")
    assert "error: params/smoke.yaml: its run must be finished" in second.call(*publish, fails=True)
    second.repro()
    assert second.repro() == set()
    assert second.results("results/smoke").items() <= clone.results().items()
    untracked = ("git", "status", "--short", "--untracked-files=all", "results")
    assert second.call(*untracked) == ""
    second.call(*publish)
    second.call("python", "-m", "neft", "verify", "params/smoke.yaml")
    assert second.call(*status) == before
    table = (second.folder / "results" / "smoke" / "README.md").read_text()
    assert "`make repro PARAMS=params/smoke.yaml`" in table
    tops = {Path(path).parts[2] for path in second.call(*untracked).split()[1::2]}
    assert tops == {"README.md", "figures", "metrics", "variation"}


def test_studies_without_a_section_are_not_run(clone: Clone) -> None:
    text = (clone.folder / "params.yaml").read_text()
    clone.change(text[text.index("  ageing:") :], "")  # all but the first, mapping
    before = clone.results()
    assert clone.repro() == {"report"}
    changed = {name for name, digest in clone.results().items() if digest != before[name]}
    assert changed == {"report.html"}
    assert "Settings one at a time" not in (clone.folder / "out" / "report.html").read_text()


def test_one_methods_parameters_rerun_that_method_only(clone: Clone) -> None:
    clone.change("beta: 1.0e-2", "beta: 2.0e-2")
    ran = clone.repro()
    follow = {"training@irs", "montecarlo@irs", "results", "study@mapping", "report"}
    assert follow <= ran <= follow | {"readme"}


def test_an_experiment_with_another_preset_runs(clone: Clone) -> None:
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")
    clone.call("git", "add", "--all")
    clone.call(*git, "commit", "--quiet", "--message", "smoke")
    before = clone.results()
    clone.call("dvc", "exp", "run", "-S", "hardware.preset=RRAM4")
    hardware = json.loads((clone.folder / "out" / "variation" / "hardware.json").read_text())
    assert hardware["variation"]["name"] == "RRAM4"
    changed = {name for name, digest in clone.results().items() if digest != before[name]}
    assert {"runs/irs/sigma_d=0.1,seed=0.safetensors", "metrics/results/results.csv"} <= changed


def test_a_name_that_is_a_command_is_refused_before_any_shell_reads_it(clone: Clone) -> None:
    text = (clone.folder / "params.yaml").read_text()
    evil = "x'; touch EVIL; '"
    clone.change("\nmethods:", f"\nmethods:\n  {json.dumps(evil)}:\n    method: noise_free")
    for stage in ([], [f"training@{evil}"], [f"montecarlo@{evil}"]):
        assert "error: params.yaml: methods." in clone.call("dvc", "repro", *stage, fails=True)
    assert not list(clone.folder.rglob("EVIL"))
    (clone.folder / "params.yaml").write_text(text)


def test_bad_parameter_stops_before_any_training(clone: Clone) -> None:
    clone.change("preset: RRAM4", "preset: RRAM9")
    said = clone.call("dvc", "repro", fails=True)
    assert "error: params.yaml: hardware.preset must be one of RRAM1" in said
    assert "got 'RRAM9'" in said
    assert "training" not in said
