"""The repository keeps its own promises: one list of dependencies, arrows, clean notebooks."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from ruamel.yaml import YAML

from neft.pipeline.parameters import Studies

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "neft"
NOTEBOOKS_FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(NOTEBOOKS_FOLDER.rglob("*.ipynb"))
GUIDES = sorted(NOTEBOOKS_FOLDER.glob("guides/*.ipynb"))
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


def dependencies() -> list[str]:
    """Names of all that the project and its extras depend on, but itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    entries = sum(project["optional-dependencies"].values(), project["dependencies"])
    return [re.split(r"[<>=\[]", entry)[0] for entry in entries if not entry.startswith("neft[")]


def test_every_dependency_but_torch_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    assert {name.lower() for name in dependencies()} - pinned == {"torch", "torchvision"}


def test_every_dependency_is_declared_once_and_imported_packages_are_declared() -> None:
    names = dependencies()
    assert len(names) == len(set(names))
    modules = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                modules.add((node.module or "").split(".")[0])
    same = {"PIL": "pillow", "ruamel": "ruamel.yaml", "nbformat": "nbconvert"}
    same |= {"matplotlib": "seaborn"}  # which depends on it
    used = {same.get(name, name) for name in modules - sys.stdlib_module_names - {"neft"}}
    assert used <= set(names)


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
    "pretrained": {"evaluation"},
    "figures": set(),
    "explore": {"characterize", "chip", "data", "devices", "evaluation", "pretrained"}
    | {"statistics", "figures"},
}


@pytest.mark.parametrize("room", ROOMS)
def test_imports_between_rooms_point_one_way(room: str) -> None:
    sources = [PACKAGE / f"{room}.py"] if room == "networks" else (PACKAGE / room).glob("*.py")
    used = set().union(*(imported(path.read_text()) for path in sources))
    assert used - {room, "_utils"} <= ROOMS[room]


# `pipeline` checks parameters and runs notebooks: it cannot change a stage's numbers.
STAGES = {
    "variation": ["1_variation"],
    "training": ["2_training"],
    "montecarlo": ["3_montecarlo"],
    "results": ["4_results"],
    "study": [f"studies/{path.stem}" for path in NOTEBOOKS_FOLDER.glob("studies/*.ipynb")],
}
# Rooms that a notebook imports only to train a network where there is none.
UNUSED = {"montecarlo": {"training"}}


@pytest.mark.parametrize("stage", STAGES)
def test_stages_depend_on_the_rooms_that_their_notebooks_use(stage: str) -> None:
    used = set().union(*(imported(code(NOTEBOOKS_FOLDER / f"{n}.ipynb")) for n in STAGES[stage]))
    used |= {"chip"} if stage == "variation" else set()  # parameters make the hardware
    used = used & ROOMS.keys() - UNUSED.get(stage, set())
    for room in list(used):
        used |= ROOMS[room] | {"_utils"}
    definition = YAML12.load(ROOT / "dvc.yaml")["stages"][stage]
    listed = definition.get("do", definition)["deps"]
    rooms = {d.removeprefix("neft/").removesuffix(".py") for d in listed if d.startswith("neft/")}
    assert used == rooms


def test_pipeline_is_short_and_every_study_can_be_a_section() -> None:
    assert len((ROOT / "dvc.yaml").read_text().splitlines()) < 200
    studies = {name.removeprefix("studies/") for name in STAGES["study"]}
    assert studies == Studies.model_fields.keys()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_tell_carry_nothing_and_have_one_cell_of_literal_parameters(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    (parameters,) = (cell for cell in cells if cell.metadata.get("tags") == ["parameters"])
    for statement in ast.parse(parameters.source).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)
    defined = re.findall(r"^(?:def|class) (\w+)", code(path), flags=re.MULTILINE)
    assert defined == (["Smoothed"] if path.stem == "method_author" else [])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_links_of_notebooks_lead_to_files(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (path.parent / link).exists(), link


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_guides_take_ten_lines_beside_imports_and_say_what_they_need(path: Path) -> None:
    """A line is a statement, however it is wrapped."""
    cells = nbformat.read(path, as_version=4).cells
    first, *others = (cell.source for cell in cells if cell.cell_type == "code")
    setup = re.sub(r"^figures\.use_style\(\)$", "", first, flags=re.MULTILINE)
    assert all(isinstance(n, ast.Import | ast.ImportFrom) for n in ast.parse(setup).body)
    nodes = ast.walk(ast.parse("\n".join(others)))
    assert sum(isinstance(node, ast.stmt) for node in nodes) <= 10
    assert all(said in cells[0].source for said in ("**Needed:**", "**Time:**"))
    assert any("**Expect** " in cell.source for cell in cells)
    assert "## Where to go next\n" in cells[-1].source
