"""Laws of methods in the user's own files: known by name, trained as any other, code and all."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import torch
from helpers.training import HARDWARE

from neft.data.datasets import Source
from neft.training import (
    METHODS,
    Benchmark,
    NoiseInjection,
    Schedule,
    build_method,
    train_grid,
    trials,
)
from neft.training.own_methods import code_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run's folder with the file that own/README.md shows."""
    text = (ROOT / "own" / "README.md").read_text()
    (tmp_path / "own").mkdir()
    code = text[text.index("```python\n") + 10 :].split("```")[0]
    (tmp_path / "own" / "smoothed.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = dict(METHODS)
    yield tmp_path / "own"
    for name in METHODS.keys() - known:
        del METHODS[name]
    for name in [name for name in sys.modules if name.split(".")[0] == "own"]:
        del sys.modules[name]


def test_the_readmes_method_is_built_from_its_section(own: Path) -> None:
    method = build_method("smoothed", {"module": "smoothed", "smoothing": 0.2, "clip": 2.0})
    assert (type(method).__name__, method.smoothing, method.clip) == ("Smoothed", 0.2, 2.0)
    named = build_method("mine", {"module": "smoothed", "method": "smoothed"})
    assert named == type(method)()
    with pytest.raises(ValueError, match=r"methods\.mine\.wait: unknown key"):
        build_method("mine", {"module": "smoothed", "method": "smoothed", "wait": 1})


@pytest.mark.usefixtures("one_process")
def test_without_its_smoothing_it_trains_as_noise_injection_does(own: Path) -> None:
    """To the same bits, by the grid; its files lie where any method's do."""
    method = build_method("smoothed", {"module": "smoothed", "smoothing": 0.0})
    histories = []
    for name, each in {"smoothed": method, "noise_injection": NoiseInjection()}.items():
        planned = trials(name, each, HARDWARE, [0.1], [0], Path("runs") / name)
        benchmark = Benchmark(Source("tiny"), "lenet5", 0.5)
        histories.append(train_grid(planned, benchmark, Schedule(1, 32), scratch="scratch"))
        assert planned[0].path.is_file()
    ours, theirs = histories
    assert ours.method.tolist() == ["smoothed"]
    pd.testing.assert_frame_equal(
        ours.drop(columns="method"), theirs.drop(columns="method"), check_exact=True
    )


def test_the_guide_writes_the_same_method(own: Path) -> None:
    cells = nbformat.read(ROOT / "notebooks" / "guides" / "method_author.ipynb", 4).cells
    (shown,) = (cell.source for cell in cells if "class Smoothed" in cell.source)
    assert shown in (own / "smoothed.py").read_text()


def test_its_code_is_named_and_changes_with_any_file_of_the_folder(own: Path) -> None:
    method = build_method("smoothed", {"module": "smoothed"})
    before = code_of(method)
    assert before == code_of(method) and code_of(NoiseInjection()) is None
    (own / "helper.py").write_text("FACTOR = 2\n")
    after = code_of(method)
    assert after != before
    (own / "notes.txt").write_text("no code")
    assert code_of(method) == after


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        (
            "missing",
            None,
            r"must be the name of a file in own/ without .py, found no own/missing.py",
        ),
        ("../evil", None, r"must be the name of a file in own/ without .py, got '../evil'"),
        (7, None, r"must be the name of a file in own/ without .py, got 7"),
        ("bad", "import no_such_package", "own/bad.py must be importable: ModuleNotFoundError"),
        ("bad", "def", "own/bad.py must be importable: SyntaxError"),
        ("bad", "1 / 0", "own/bad.py must be importable: ZeroDivisionError"),
    ],
)
def test_what_cannot_be_imported_is_said_in_one_line(
    module: object, text: str | None, said: str, own: Path
) -> None:
    if text is not None:
        (own / f"{module}.py").write_text(text)
    with pytest.raises(ValueError, match=rf"^methods\.x\.module: {said}") as caught:
        build_method("x", {"module": module})
    assert "\n" not in str(caught.value)


def test_a_built_in_method_is_not_replaced(own: Path) -> None:
    code = (own / "smoothed.py").read_text().replace('name="smoothed"', 'name="ovf"')
    (own / "shadow.py").write_text(code)
    with pytest.raises(ValueError, match="name must not be that of a built-in method, got 'ovf'"):
        build_method("ovf", {"module": "shadow", "beta": 1e-3})


def test_processes_that_train_find_it(own: Path) -> None:
    """In two workers, on the packaged digits; without the folder they could not."""
    method = build_method("smoothed", {"module": "smoothed"})
    planned = trials("smoothed", method, HARDWARE, [0.1], [0, 1], Path("runs"))
    benchmark = Benchmark(Source("mnist5k", 16, 100), "lenet5", 0.1)
    history = train_grid(planned, benchmark, Schedule(1, 50, validation_chips=1))
    assert history.seed.tolist() == [0, 1]
    assert torch.isfinite(torch.tensor(history.train_loss.to_numpy())).all()
    shutil.rmtree("runs")
