"""What is published is the run's, whole, and nothing else of the repository changes."""

from pathlib import Path

import pytest

from neft.pipeline import publish
from neft.pipeline.publish import BEGIN, END


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run, beside the published results of an earlier one."""
    run = tmp_path / "mine"
    for folder, name in (("out", "new"), (".", "old")):
        for kind in publish.FOLDERS:
            (run / folder / kind / "results").mkdir(parents=True)
            (run / folder / kind / "results" / name).write_text(f"{kind} {name}")
    (run / "out" / "metrics" / "results" / ".gitignore").write_text("/new")
    (run / "out" / "results.md").write_text("| new |\n")
    return run


def files(run: Path) -> dict[str, str]:
    return {str(p.relative_to(run)): p.read_text() for p in run.rglob("*") if p.is_file()}


def test_published_folders_are_those_of_the_run(run: Path) -> None:
    made = {name: text for name, text in files(run).items() if name.startswith("out/")}
    publish.publish(run)
    expected = {f"{kind}/results/new": f"{kind} new" for kind in publish.FOLDERS}
    after = files(run)
    readme = after.pop("README.md")
    assert after == {**made, **expected}
    assert readme.startswith("# mine\n") and f"{BEGIN}\n| new |\n{END}\n" in readme
    publish.publish(run)
    assert files(run) == {**after, "README.md": readme}


def test_a_readme_keeps_what_is_around_the_tables(run: Path) -> None:
    (run / "README.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    publish.publish(run)
    assert (run / "README.md").read_text() == f"before\n{BEGIN}\n| new |\n{END}\nafter\n"


def test_a_stop_while_a_folder_is_replaced_keeps_the_earlier_one(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rename, calls = files(run), Path.rename, []

    def stopped(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stopped)
    with pytest.raises(KeyboardInterrupt):
        publish.publish(run)
    assert files(run) == before


@pytest.mark.parametrize("missing", ["out/results.md", "out/figures/results/new", "README.md"])
def test_what_is_not_finished_or_has_no_place_changes_nothing(run: Path, missing: str) -> None:
    (run / "README.md").write_text("no markers" if missing == "README.md" else f"{BEGIN}\n{END}")
    if missing != "README.md":
        (run / missing).unlink()
    for folder in ("out/figures/results", "out/figures"):
        if not any((run / folder).iterdir()):
            (run / folder).rmdir()
    before = files(run)
    with pytest.raises(ValueError, match=f"{missing.removesuffix('/results/new')}: must"):
        publish.publish(run)
    assert files(run) == before
