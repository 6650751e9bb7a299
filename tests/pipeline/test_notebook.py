"""Running notebooks: typed parameters, copies that depend on nothing but their inputs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest

from neft.pipeline import notebook

PARAMS = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def place(tmp_path: Path, monkeypatch) -> Path:
    """A folder with a notebook in it that shows its parameters."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(PARAMS, tmp_path)
    write(tmp_path, "import sys\nprint('busy', file=sys.stderr)\nprint(repr((training, text)))")
    return tmp_path


def write(folder: Path, source: str, parameters: str = "training = {}\ntext = None") -> None:
    first = nbformat.v4.new_code_cell(parameters)
    first.metadata.tags = ["parameters"]
    book = nbformat.v4.new_notebook(cells=[first, nbformat.v4.new_code_cell(source)])
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, folder / "book.ipynb")


def run(copy: str, **values) -> None:
    notebook.execute(Path("book.ipynb"), Path(copy), values, params=Path("params.yaml"))


def test_sections_and_values_arrive_typed_and_equal_runs_leave_equal_bytes(place: Path) -> None:
    run("first.ipynb", text="1e-3")
    run("second.ipynb", text="1e-3")
    assert (place / "first.ipynb").read_bytes() == (place / "second.ipynb").read_bytes()
    outputs = nbformat.read(place / "first.ipynb", as_version=4).cells[-1].outputs
    assert [out.name for out in outputs] == ["stdout"]
    training, text = eval(outputs[0].text)  # our own notebook's repr of plain values
    assert training["learning_rate"] == 0.001
    assert training["seeds"] == [0, 1, 2]
    assert text == "1e-3"


def test_failing_cell_leaves_no_copy_but_what_ran_can_be_read(place: Path) -> None:
    write(place, "raise RuntimeError('on purpose')")
    with pytest.raises(papermill.PapermillExecutionError, match="on purpose"):
        run("copy.ipynb")
    assert not (place / "copy.ipynb").exists()
    assert "on purpose" in (place / notebook.FAILED / "copy.ipynb").read_text()


def test_parameters_that_change_while_a_notebook_runs_fail_it(place: Path) -> None:
    """Only those that it uses; what it has done stays, for the next run."""
    change = "p = open('params.yaml').read().replace({!r}, {!r}); open('params.yaml', 'w').write(p)"
    write(place, change.format("chips: 50", "chips: 51"))
    run("copy.ipynb")
    write(place, change.format("epochs: 8", "epochs: 9"))
    with pytest.raises(ValueError, match=r"params\.yaml: training must stay as it is while"):
        run("other.ipynb")
    assert not (place / "other.ipynb").exists()


def test_unknown_parameter_is_refused_before_anything_runs(place: Path) -> None:
    with pytest.raises(ValueError, match="must be one of training, text, got 'txt'"):
        run("copy.ipynb", txt="1")
    assert sorted(path.name for path in place.iterdir()) == ["book.ipynb", "params.yaml"]


def test_bad_parameter_file_ends_in_one_line_before_anything_runs(place: Path, monkeypatch) -> None:
    text = PARAMS.read_text().replace("epochs: 8", "epochs: -1")
    (place / "params.yaml").write_text(text)
    monkeypatch.setattr("sys.argv", ["notebook", "book.ipynb", "copy.ipynb"])
    with pytest.raises(SystemExit) as caught:
        notebook.main()
    assert str(caught.value.code).startswith("error: params.yaml: training.epochs: ")
    assert sorted(path.name for path in place.iterdir()) == ["book.ipynb", "params.yaml"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "error: book.ipynb: its kernel .*killed"),
        ("import os\nos.kill(os.getppid(), 2)", "error: interrupted; run again to continue"),
        (
            "import os, time\nos.kill(os.getppid(), 2)\ntime.sleep(0.2)",  # ends during shut-down
            "error: interrupted; run again to continue",
        ),
        ("raise ValueError('long ' * 1000)", r"error: ValueError: long .*\.\.\. \(see"),
        ("open('missing')", "error: FileNotFoundError: .*'missing' .see"),
    ],
)
def test_whatever_ends_a_notebook_ends_in_one_line(source: str, said: str, place: Path) -> None:
    """In a process of its own, which takes Ctrl-C also where a shell ignores it."""
    write(place, source)
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from neft.pipeline import notebook; notebook.main()"
    )
    command = [sys.executable, "-c", code, "book.ipynb", "copy.ipynb"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert re.fullmatch(f"{said}.*", ended.stderr.splitlines()[-1])
    assert not (place / "copy.ipynb").exists()


def test_between_two_cells_ctrl_c_meets_a_function(place: Path) -> None:
    """Python reports one that comes while a cell's handler gives way to SIG_IGN, in eight lines."""
    write(place, "print(get_ipython().kernel.saved_sigint_handler(2, None))")
    run("copy.ipynb")
    outputs = nbformat.read(place / "copy.ipynb", as_version=4).cells[-1].outputs
    assert [out.text for out in outputs] == ["None\n"]


def test_a_full_disk_at_a_stages_beginning_ends_in_one_line(place: Path, monkeypatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(notebook, "end_with", lambda parent: None)
    monkeypatch.setattr(notebook.dvc_files, "keep", full)
    monkeypatch.setenv("DVC_STAGE", "training@ovf")
    monkeypatch.setattr("sys.argv", ["notebook", "book.ipynb", "copy.ipynb"])
    with pytest.raises(SystemExit, match=r"^error: .*No space left on device"):
        notebook.main()


def test_scratch_stays_when_a_run_fails_and_goes_when_it_ends(place: Path) -> None:
    keep = "from pathlib import Path\nPath(scratch).mkdir(parents=True, exist_ok=True)\n"
    for last, stays in (("1 / 0", True), ("print(scratch)", False)):
        write(place, keep + last, parameters="scratch = None")
        if stays:
            with pytest.raises(papermill.PapermillExecutionError, match="division by zero"):
                run("copy.ipynb")
        else:
            run("copy.ipynb")
        assert (place / ".scratch" / "copy").exists() == stays
