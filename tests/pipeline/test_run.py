"""Laws of a run's own folder: made once, in step with its parameter file, in the right place."""

import os
import shutil
from pathlib import Path

import pytest

from neft._utils import cluster
from neft.pipeline import run

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository's root with a parameter file, as current folder."""
    (tmp_path / "params").mkdir()
    for path in ("params.yaml", "params/mine.yaml", "smoke.yaml"):
        shutil.copy(ROOT / "tests" / "smoke.yaml", tmp_path / path)
    shutil.copy(ROOT / "data.dvc", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[Path, tuple]:
    """Run the command; return the folder and the program that it ends in."""
    ended: list[tuple] = []
    monkeypatch.setattr("sys.argv", ["repro", *arguments])
    monkeypatch.setattr(os, "execvp", lambda *program: ended.append(program))
    run.main()
    return Path.cwd(), *ended


@pytest.mark.parametrize("given", [[], ["params.yaml"], ["./params.yaml"]])
def test_default_run_is_the_root(given: list[str], root: Path, monkeypatch) -> None:
    before = sorted(root.rglob("*"))
    assert call(monkeypatch, *given) == (root, ("dvc", ["dvc", "repro"]))
    assert sorted(root.rglob("*")) == before


def test_a_quiet_run_shows_no_progress_in_any_process(root: Path, monkeypatch) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "")
    assert call(monkeypatch, "--quiet") == (root, ("dvc", ["dvc", "repro", "--quiet"]))
    assert os.environ["TQDM_DISABLE"] == "1"


@pytest.mark.parametrize("given", ["params/mine.yaml", "./params/../params/mine.yaml"])
def test_other_runs_have_a_folder_that_links_to_the_root(
    given: str, root: Path, monkeypatch
) -> None:
    folder, program = call(monkeypatch, given)
    assert folder == root / "results" / "mine"
    assert program == ("dvc", ["dvc", "repro"])
    assert (folder / "params.yaml").samefile(root / "params" / "mine.yaml")
    for name in run.SHARED:
        assert (folder / name).resolve() == root / name


def test_folder_is_made_once_and_what_is_published_is_kept(root: Path) -> None:
    readme = root / run.make_folder(Path("params/mine.yaml")) / "README.md"
    assert not readme.exists()
    readme.write_text("what I read in it")
    run.make_folder(Path("params/mine.yaml"))
    assert readme.read_text() == "what I read in it"


@pytest.mark.parametrize("tables", ["mine", "my/own devices", "{root}/mine", "neft/measured"])
def test_a_runs_own_tables_are_found_from_its_folder(tables: str, root: Path, monkeypatch) -> None:
    tables = tables.format(root=root)
    (root / tables).mkdir(parents=True)
    (root / tables / "levels.csv").write_text("mine")
    text = Path("smoke.yaml").read_text().replace("folder: data\n", f"folder: {tables}\n")
    Path("params/mine.yaml").write_text(text)
    for _ in range(2):
        folder, _ = call(monkeypatch, "params/mine.yaml")
        assert folder == root / "results" / "mine"
        assert (Path(tables) / "levels.csv").read_text() == "mine"
        monkeypatch.chdir(root)


@pytest.mark.parametrize("place", ["results", "results/mine"])
def test_a_file_in_a_folders_place_ends_in_one_line(place: str, root: Path, monkeypatch) -> None:
    Path(place).parent.mkdir(exist_ok=True)
    Path(place).write_text("mine")
    with pytest.raises(SystemExit, match=r"error: .*results/mine") as ended:
        call(monkeypatch, "params/mine.yaml")
    assert "\n" not in str(ended.value)
    assert Path(place).read_text() == "mine"


def test_links_to_elsewhere_are_made_anew_and_files_in_their_place_refused(root: Path) -> None:
    folder = run.make_folder(Path("params/mine.yaml"))
    (folder / "params.yaml").unlink()
    (folder / "params.yaml").symlink_to(root / "smoke.yaml")
    run.make_folder(Path("params/mine.yaml"))
    assert (folder / "params.yaml").samefile(root / "params" / "mine.yaml")
    (folder / "dvc.yaml").unlink()
    (folder / "dvc.yaml").write_text("stages: {}")
    with pytest.raises(ValueError, match=r"dvc.yaml must be a link to .*, got a file or folder"):
        run.make_folder(Path("params/mine.yaml"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("params/none.yaml", "params/none.yaml: .*No such file"),
        ("smoke.yaml", "PARAMS must be params.yaml or params/NAME.yaml, got 'smoke.yaml'"),
        ("params", "params: must be a file, got a folder"),
        ("params/bad.yaml", "params/bad.yaml: .*unknown key"),
        (
            "params/far.yaml",
            r"\S*/datasets/cifar-10-batches-bin/data_batch_1\.bin: must be a file, .*; to get it",
        ),
        (
            "params/lost.yaml",
            "params/lost.yaml: variation.folder must .*'lost', which is not there",
        ),
        ("params/out.yaml", "params/out.yaml: variation.folder must be a path inside .*'../out'"),
        ("params/alone.yaml", "scheduler (must be the address of a Dask scheduler|needs Dask)"),
        ("params/mine.yml", "PARAMS must be .*, got 'params/mine.yml'"),
    ],
)
def test_bad_choices_end_in_one_line_and_leave_nothing(
    given: str, said: str, root: Path, monkeypatch
) -> None:
    shutil.copy("smoke.yaml", "params/mine.yml")
    smoke = Path("smoke.yaml").read_text()
    Path("params/bad.yaml").write_text(smoke + "\nmore: 1\n")
    Path("params/far.yaml").write_text(smoke.replace("name: mnist5k", "name: cifar10"))
    alone = smoke.replace("  device: cpu\n", "  device: cpu\n  scheduler: tcp://127.0.0.1:1\n")
    Path("params/alone.yaml").write_text(alone)
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    for name, folder in {"lost": "lost", "out": "../out"}.items():
        text = smoke.replace("folder: data\n", f"folder: {folder}\n")
        Path(f"params/{name}.yaml").write_text(text)
    before = sorted(root.rglob("*"))
    with pytest.raises(SystemExit, match=f"^error: {said}") as caught:
        call(monkeypatch, given)
    assert "\n" not in str(caught.value.code)
    assert sorted(root.rglob("*")) == before


@pytest.mark.parametrize("key", ["variation", "dataset"])
@pytest.mark.parametrize("given", ["out", "out/mine", "metrics/mine", "results", "../out"])
def test_folders_that_a_run_writes_or_that_lie_outside_are_refused(
    key: str, given: str, root: Path, monkeypatch
) -> None:
    Path(given).mkdir(parents=True, exist_ok=True)
    own = {"variation": "folder: data\n", "dataset": "folder: datasets\n"}[key]
    text = Path("smoke.yaml").read_text().replace(own, f"folder: {given}\n")
    Path("params/mine.yaml").write_text(text)
    with pytest.raises(SystemExit, match=rf"mine\.yaml: {key}\.folder must be .*, got '{given}'"):
        call(monkeypatch, "params/mine.yaml")
    assert not Path("results/mine").exists()


@pytest.mark.parametrize("images", ["my/images", "{root}/images", "datasets"])
def test_images_of_the_users_are_found_from_a_runs_folder(
    images: str, root: Path, monkeypatch
) -> None:
    """Where they were checked, and nowhere else."""
    images = images.format(root=root)
    for part in ("train", "test"):
        (Path(images) / "pets" / part / "cat").mkdir(parents=True)
    text = Path("smoke.yaml").read_text().replace("folder: datasets\n", f"folder: {images}\n")
    text = text.replace("name: mnist5k", "name: pets")
    Path("params/mine.yaml").write_text(text)
    expected = (Path(images) / "pets").resolve()
    folder, _ = call(monkeypatch, "params/mine.yaml")
    assert folder == root / "results" / "mine"
    assert (Path(images) / "pets").resolve() == expected and expected.is_dir()


@pytest.mark.parametrize("place", ["../data", "/etc", "neft/../../x", "[1]", ""])
def test_data_dvc_that_names_a_place_outside_is_refused(
    place: str, root: Path, monkeypatch
) -> None:
    text = Path("data.dvc").read_text()
    for own in ("path: data", "path: neft/characterize/measured"):
        Path("data.dvc").write_text(text.replace(own, f"path: {place}"))
        with pytest.raises(SystemExit, match=r"error: data\.dvc: path must lie inside"):
            call(monkeypatch)
