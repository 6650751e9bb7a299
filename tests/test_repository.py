"""The repository keeps its own promises: one list of dependencies, arrows, clean notebooks."""

import ast
import re
import tomllib
from pathlib import Path

import nbformat
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
MODULE_FOLDER = ROOT / "neft"
MODULES = {path.stem: path for path in MODULE_FOLDER.glob("*.py")}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
YAML12 = YAML(typ="safe", pure=True)


def imported(source: str) -> set[str]:
    """Names of the package's modules that a piece of Python imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "neft":
            tail = node.module.split(".")[1:]
            names |= set(tail) if tail else {alias.name for alias in node.names}
    return names & MODULES.keys()


def behind(names: set[str], leave_out: frozenset[str] = frozenset()) -> set[str]:
    """The modules and all that they import, directly or not."""
    found: set[str] = set()
    todo = names - leave_out
    while todo:
        found |= todo
        todo = set().union(*(imported(MODULES[n].read_text()) for n in todo)) - found - leave_out
    return found


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
    packaged = {
        p for pattern in settings["package-data"]["neft"] for p in MODULE_FOLDER.glob(pattern)
    }
    others = {p for p in MODULE_FOLDER.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert others - set(MODULES.values()) == packaged


# What each of these may know of the package, besides files and seeding.
MODELS = {"presets", "variation", "measured_variation", "variation_files"}
PHYSICS = {"hardware", "devices", "layers", "mapping"} | MODELS
DATA = {"datasets", "downloads", "tiny_imagenet"}
ARROWS = {
    "tables": set(),
    "measurements": {"tables"},
    "levels": {"measurements", "tables"},
    "candidates": set(),
    "comparison": {"candidates"},
    "intervals": {"candidates"},
    "characterise": {"candidates", "comparison", "intervals", "levels", "measurements", "tables"},
    "ratios": {"candidates", "presets", "variation"},
    "verdict": set(),
    "variation": set(),
    "presets": {"variation"},
    "measured_variation": {"variation"},
    "variation_files": {"variation", "measured_variation"},
    "fits": {"candidates", "measurements", "tables", "measured_variation", "variation"},
    "hardware": MODELS,
    "devices": PHYSICS - {"mapping", "layers"},
    "layers": set(),
    "mapping": PHYSICS,
    "forward": PHYSICS,
    "method": PHYSICS | {"forward"},
    "modes": set(),
    "feedback": PHYSICS | {"forward", "method"},
    "snapshots": PHYSICS | {"forward", "method", "feedback", "modes"},
    "baselines": PHYSICS | {"forward", "method"},
    "models": set(),
    "downloads": set(),
    "tiny_imagenet": {"downloads"},
    "datasets": DATA - {"datasets"},
    "deployment": PHYSICS - {"mapping", "devices"},
    "recalibration": PHYSICS | {"deployment", "modes"},
    "write_verify": PHYSICS | {"deployment", "modes"},
    "montecarlo": PHYSICS | {"deployment", "modes"},
    "training": PHYSICS
    | DATA
    | {"checkpoints", "deployment", "forward", "method", "modes", "montecarlo"},
    "statistics": set(),
    "crossed": set(),
    "uncertainty": set(),
    "results": {"statistics", "crossed"},
    "style": set(),
    "published": set(),
    "plots": {"style"},
    "device_plots": {"style"},
    "ablation_plots": {"style"},
    "deployment_plots": {"style"},
}


@pytest.mark.parametrize("module", ARROWS)
def test_imports_point_one_way(module: str) -> None:
    assert behind({module}) - {module, "files", "seeding"} <= ARROWS[module]


# Pictures, checks of parameters and the list of methods cannot change a stage's numbers.
PLOTS = {"style", "plots", "device_plots", "ablation_plots", "deployment_plots"}
NUMBERLESS = frozenset({"parameters", "method_sections", "methods", "embedded"}) | PLOTS
STAGES = {
    "variation": ("1_variation.ipynb", frozenset({"seeding"}) | NUMBERLESS - PLOTS),
    "training": ("2_training.ipynb", NUMBERLESS),
    "montecarlo": (
        "3_montecarlo.ipynb",
        NUMBERLESS | {"baselines", "results", "statistics", "crossed"},
    ),
    "figures": ("4_figures.ipynb", NUMBERLESS - PLOTS),
    "mapping": ("5_mapping.ipynb", NUMBERLESS - PLOTS | {"baselines"}),
    "ageing": ("6_ageing.ipynb", NUMBERLESS - PLOTS | {"baselines"}),
    "ablations": ("8_ablations.ipynb", NUMBERLESS - PLOTS),
    "deployment": ("9_deployment.ipynb", NUMBERLESS - PLOTS | {"baselines"}),
}

LOSSES = {"feedback", "snapshots", "baselines"}
THROUGH_PARAMETERS = {"variation": {"hardware"}, "training": LOSSES, "ablations": LOSSES}


@pytest.mark.parametrize("stage", STAGES)
def test_stages_depend_on_the_modules_that_their_notebook_uses(stage: str) -> None:
    notebook, leave_out = STAGES[stage]
    needed = behind(imported(code(ROOT / "notebooks" / notebook)), leave_out)
    needed |= THROUGH_PARAMETERS.get(stage, set())
    definition = YAML12.load(ROOT / "dvc.yaml")["stages"][stage]
    listed = definition.get("do", definition)["deps"]
    assert {f"neft/{name}.py" for name in needed} == {d for d in listed if d.endswith(".py")}
    assert f"notebooks/{notebook}" in listed


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
