"""The site's configuration names files that there are, and its reference every public name."""

import inspect
import os
import pkgutil
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pages
import pytest
import reference
from ruamel.yaml import YAML

import neft

ROOT = Path(__file__).parents[1]
SITE = YAML(typ="safe", pure=True).load(ROOT / "mkdocs.yml")
NAMED = pages.named_files(SITE["nav"])
NOT_ROOMS = (ROOT / "neft" / "__init__.py", ROOT / "neft" / "__main__.py")
ROOMS = [path for path in NAMED if path.suffix == ".py" and path not in NOT_ROOMS]


def own(module: ModuleType) -> set[str]:
    """Functions and classes that a module defines itself, by full name, but for commands."""
    found = {name: each for name, each in vars(module).items() if callable(each)}
    return {
        f"{module.__name__}.{name}"
        for name, each in found.items()
        if not name.startswith("_") and name != "main" and each.__module__ == module.__name__
    }


def offered(room: ModuleType) -> set[str]:
    """Full public names of an imported room: by the rules of the reference, not by its code."""
    if own(room) or not hasattr(room, "__path__"):
        return own(room)
    inside = [each.name for each in pkgutil.iter_modules(room.__path__) if each.name[0] != "_"]
    names = {name for name, each in vars(room).items() if not inspect.ismodule(each)}
    reexported = {f"{room.__name__}.{name}" for name in names if not name.startswith("_")}
    return reexported or set().union(
        *(own(import_module(f"{room.__name__}.{name}")) for name in inside)
    )


def test_configuration_names_files_that_there_are() -> None:
    files = [*SITE["hooks"], *SITE["extra_css"], *SITE["extra"]["polyfills"], SITE["docs_dir"]]
    assert all((ROOT / name).exists() for name in files)
    with pytest.raises(ValueError, match=r"^nav of mkdocs.yml must name .* there, got gone.md$"):
        pages.named_files([{"Gone": "gone.md"}])
    assert pages.with_addresses([{"Later": ["gone/*.md"]}]) == []


def test_every_text_notebook_and_room_is_a_page_once() -> None:
    assert len(NAMED) == len(set(NAMED))
    folders = ("docs", "neft", "own", "benchmarks")
    texts = [path for name in folders for path in (ROOT / name).rglob("*.md")]
    notebooks = (ROOT / "notebooks").rglob("*.ipynb")
    notebooks = [path for path in notebooks if ".ipynb_checkpoints" not in path.parts]
    assert {*ROOT.glob("*.md"), *texts, *notebooks, *ROOT.glob("results/*/README.md")} <= set(NAMED)
    rooms = {each.name for each in pkgutil.iter_modules(neft.__path__) if each.name[0] != "_"}
    assert {path.stem if path.stem != "__init__" else path.parent.name for path in ROOMS} == rooms


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_reference_has_every_public_name(path: Path) -> None:
    names = reference.public_names(path)
    parts = path.relative_to(ROOT).with_suffix("").parts
    assert set(names) == offered(import_module(".".join(parts).removesuffix(".__init__")))
    assert len(names) == len(set(names))
    places = [reference.definition(name).split(".") for name in names]
    assert not any(ROOT.joinpath(*place).with_suffix(".py").exists() for place in places)


def test_reference_has_what_neft_itself_offers() -> None:
    names = reference.imported_names()
    assert names.keys() == set(neft.__all__)
    assert set(names.values()) <= {name for path in ROOMS for name in reference.public_names(path)}


def test_a_public_name_without_docstring_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    reference.check(ROOMS)
    assert reference.docstring("neft.chip.program") == inspect.getdoc(neft.program)
    monkeypatch.setattr(reference, "docstring", lambda name: "" if name.endswith("OVF") else name)
    with pytest.raises(ValueError, match=r"^public names .* got none for neft\.training\.OVF$"):
        reference.check(ROOMS)


def test_links_lead_to_files_of_the_site_and_keep_their_anchors() -> None:
    found = pages.collect(NAMED)
    checked = 0
    for here, text in found.items():
        if isinstance(text, str) and "````" not in text:
            for link in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", text):
                assert os.path.normpath(Path(here).parent / link) in found, (here, link)
                checked += 1
    assert checked > 100
    assert "(docs/method.md#devices)" in found["README.md"]
    assert "(neft/evaluation/estimate.py.md)" in found["README.md"]
    assert "(params/index.md)" in found["README.md"]
    assert "(../neft/networks.md)" in found["docs/method.md"]
    assert found["metrics/results/weight_ranges.csv"] == ROOT / "metrics/results/weight_ranges.csv"
    assert "neft characterize" in str(found["neft/__main__.md"])


def test_a_notebook_becomes_its_text_and_code() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {"cell_type": "code", "source": ["x = 1\n", "x"]},
    ]
    text = pages._notebook(cells)
    assert text.startswith("# Title\ntext\n\n")
    assert text.endswith("\n\n````python\nx = 1\nx\n````")
