"""Small runs of the pipeline to disturb, and the undisturbed one to compare them with."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.campaign)


class Run:
    """A clone of this repository with the smoke run made as small as it goes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        yaml = YAML(typ="safe", pure=True)
        values = yaml.load(ROOT / "tests" / "smoke.yaml")
        values["dataset"] |= {"side": 16, "training_images": 500}
        values["network"] = {"name": "lenet5", "width": 0.25}
        values["training"] |= {"sigma_d": [0.1], "epochs": 2}
        values["studies"] = {"mapping": values["studies"]["mapping"]}
        yaml.dump(values, folder / "params.yaml")
        shutil.copy(folder / "params.yaml", folder / "params" / "again.yaml")

    def start(self, *command: str, **settings) -> subprocess.Popen:
        """Start a command in the clone, in a session of its own."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(
            command or ("python", "-m", "neft", "run"),
            cwd=self.folder, env={**os.environ, "PATH": path}, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **settings,
        )  # fmt: skip

    def call(self, *command: str, fails: bool = False, **settings) -> str:
        """Run a command to its end; return what it prints."""
        process = self.start(*command, **settings)
        said = process.communicate()[0]
        assert (process.returncode != 0) == fails, said
        return said

    def results(self, run: str = ".") -> dict[str, str]:
        """SHA-256 of everything that a run hands to people."""
        root = self.folder / run / "out"
        return {
            str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in root.rglob("*")
            if path.is_file() and path.name not in (".gitignore", "results.md")
        }

    def processes(self) -> list[int]:
        """Numbers of the processes that work in the clone."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cwd").resolve().is_relative_to(self.folder):
                    found.append(int(process.name))
            except OSError:  # ended meanwhile
                continue
        return found

    def until_quiet(self, seconds: float = 60) -> None:
        """Wait until no process works in the clone."""
        end = time.monotonic() + seconds
        while self.processes() and time.monotonic() < end:
            time.sleep(0.2)
        assert not self.processes()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Run]:
    """Make one more clone."""
    return lambda: Run(tmp_path_factory.mktemp("run") / "neft")


@pytest.fixture(scope="session")
def undisturbed(made: Callable[[], Run]) -> Run:
    """A clone whose run nothing disturbed."""
    run = made()
    run.call()
    return run
