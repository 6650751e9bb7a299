"""The repository keeps its own promises: one list of dependencies, arrows, clean notebooks."""

import ast
import re
import tomllib
from pathlib import Path

import nbformat
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "neft"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
YAML12 = YAML(typ="safe", pure=True)


def imported(source: str) -> set[str]:
    """The package's rooms that a piece of Python imports from."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "neft":
            tail = node.module.split(".")[1:]
            names |= {tail[0]} if tail else {alias.name for alias in node.names}
    return names


def code(notebook: Path) -> str:
    cells = nbformat.read(notebook, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def test_environment_file_lists_the_projects_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    conda = YAML12.load(ROOT / "environment.yml")["dependencies"]
    pip = next(entry["pip"] for entry in conda if isinstance(entry, dict))
    options = {"--constraint constraints.txt", "--editable ."}
    assert options <= set(pip)
    assert set(pip) - options == set(project["dependencies"])
    assert "python=3.11" in conda


def test_every_dependency_but_torch_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=]", entry)[0].lower() for entry in project["dependencies"]}
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    assert names - pinned == {"torch", "torchvision"}


def test_all_files_beside_the_modules_are_packaged() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packaged = {p for pattern in settings["package-data"]["neft"] for p in PACKAGE.glob(pattern)}
    others = {p for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert {p for p in others if p.suffix != ".py"} == packaged


# What each room may import besides itself and `_utils`; `pipeline` may import all.
ROOMS = {
    "_utils": set(),
    "devices": set(),
    "networks": set(),
    "data": set(),
    "statistics": set(),
    "characterize": {"devices"},
    "chip": {"devices"},
    "training": {"chip", "data", "devices", "networks"},
    "evaluation": {"chip", "data", "devices", "networks"},
    "figures": set(),
}


@pytest.mark.parametrize("room", ROOMS)
def test_imports_between_rooms_point_one_way(room: str) -> None:
    sources = [PACKAGE / f"{room}.py"] if room == "networks" else (PACKAGE / room).glob("*.py")
    used = set().union(*(imported(path.read_text()) for path in sources))
    assert used - {room, "_utils"} <= ROOMS[room]


# `pipeline` checks parameters and runs notebooks: it cannot change a stage's numbers.
STAGES = {
    "variation": "1_variation",
    "training": "2_training",
    "montecarlo": "3_montecarlo",
    "figures": "4_figures",
    "mapping": "5_mapping",
    "ageing": "6_ageing",
    "ablations": "8_ablations",
    "deployment": "9_deployment",
}
# Rooms that a notebook imports only to train a network where there is none, or to draw.
UNUSED = {"training": {"figures"}, "montecarlo": {"figures", "training"}}
UNUSED |= {stage: {"training"} for stage in ("mapping", "ageing", "deployment")}


@pytest.mark.parametrize("stage", STAGES)
def test_stages_depend_on_the_rooms_that_their_notebook_uses(stage: str) -> None:
    notebook = ROOT / "notebooks" / f"{STAGES[stage]}.ipynb"
    used = imported(code(notebook)) - {"pipeline"} - UNUSED.get(stage, set())
    used |= {"chip"} if stage == "variation" else set()  # parameters make the hardware
    for room in list(used):
        used |= ROOMS[room] | {"_utils"}
    definition = YAML12.load(ROOT / "dvc.yaml")["stages"][stage]
    listed = definition.get("do", definition)["deps"]
    rooms = {d.removeprefix("neft/").removesuffix(".py") for d in listed if d.startswith("neft/")}
    assert used == rooms
    assert f"notebooks/{STAGES[stage]}.ipynb" in listed


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_tell_and_carry_nothing(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    assert [cell.metadata.get("tags") for cell in cells].count(["parameters"]) == 1
    defined = re.findall(r"^(?:def|class) (\w+)", code(path), flags=re.MULTILINE)
    assert defined == (["Consistent"] if path.name == "7_your_own.ipynb" else [])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_parameters_cell_holds_literals_only(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    source = next(c.source for c in cells if c.metadata.get("tags") == ["parameters"])
    for statement in ast.parse(source).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)
