"""The files around the package parse, agree on versions, and name commands that there are."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from neft.__main__ import COMMANDS

ROOT = Path(__file__).parents[1]
YAML12 = YAML(typ="safe", pure=True)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
TEXTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]


def yaml_files() -> list[str]:
    found = []
    for ending in ("yaml", "yml", "cff", "dvc", "lock"):
        found += [path for path in ROOT.glob(f"*.{ending}") if path.is_file()]
    for folder in (".github", "params", "tests"):
        found += [path for path in (ROOT / folder).rglob("*") if path.suffix in (".yaml", ".yml")]
    found.append(ROOT / ".pre-commit-config.yaml")
    return sorted({str(path.relative_to(ROOT)) for path in found})


@pytest.mark.parametrize("name", yaml_files())
def test_every_yaml_file_is_one_mapping(name: str) -> None:
    assert isinstance(YAML12.load(ROOT / name), dict)


def test_one_version_everywhere() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## \[(.+?)\]", changelog, flags=re.MULTILINE)[0]
    assert newest == YAML12.load(ROOT / "CITATION.cff")["version"] == PROJECT["version"]


def test_commits_are_checked_by_the_ruff_of_the_tests() -> None:
    (hooks,) = YAML12.load(ROOT / ".pre-commit-config.yaml")["repos"]
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    assert f"ruff=={hooks['rev'].removeprefix('v')}" in pins


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_only_read_and_call_make(path: Path) -> None:
    workflow = YAML12.load(path)
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    (command,) = (step["run"] for step in job["steps"] if "run" in step)
    assert command == f"make {path.stem} PYTHON=python"


def test_make_installs_extras_that_there_are() -> None:
    extras = re.findall(r"--editable '\.\[(\w+)\]'", MAKEFILE)
    assert sorted(extras) == ["audit", "docs", "test"]
    assert set(extras) <= PROJECT["optional-dependencies"].keys()


def test_output_of_make_docs_is_ignored() -> None:
    for name, line in ((".gitignore", "/site/"), (".dvcignore", "/site")):
        assert line in (ROOT / name).read_text(encoding="utf-8").splitlines()


def test_the_oldest_and_the_newest_python_are_tested() -> None:
    tested = YAML12.load(ROOT / ".github" / "workflows" / "test.yml")["jobs"]["test"]["strategy"]
    oldest, beyond = re.findall(r"3\.(\d+)", PROJECT["requires-python"])
    assert tested["matrix"]["python"] == [f"3.{oldest}", f"3.{int(beyond) - 1}"]


def test_the_dev_container_sets_up_what_make_does() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert container["postCreateCommand"] == "make .venv/bin/.ready"
    assert "BIN := .venv/bin\n" in MAKEFILE and "\n$(BIN)/.ready: " in MAKEFILE


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_texts_name_commands_and_files_that_there_are(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (ROOT / link).exists(), link
    for target in re.findall(r"^make (\w+)|`make (\w+)", text, flags=re.MULTILINE):
        assert re.search(rf"^{''.join(target)}:", MAKEFILE, flags=re.MULTILINE), target
    for command in re.findall(r"`neft (\w+)", text):
        assert command in COMMANDS


def test_make_and_readme_call_the_one_command() -> None:
    for text in (MAKEFILE, TEXTS[0].read_text(encoding="utf-8")):
        assert "python -m neft" not in text
    recipes = re.findall(r"^\tneft (\w+)", MAKEFILE, flags=re.MULTILINE)
    assert recipes == ["run", "download", "verify", "publish"]


FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").iterdir())


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_forms_have_what_github_asks_of_them(path: Path) -> None:
    form = YAML12.load(path)
    assert {"name", "description", "body"} <= form.keys()
    names = [field["id"] for field in form["body"]]
    assert len(set(names)) == len(names)
    assert all(field["type"] in ("textarea", "input") for field in form["body"])
    assert all(field["attributes"]["label"] for field in form["body"])


def audit_recipe() -> str:
    """What `make audit` runs first, as a shell sees it: is the network there?"""
    lines = MAKEFILE.partition("\naudit:")[2].partition("\n\t")[2]
    return lines.partition("\n\tpython -m pip")[0].replace("\n\t", "\n").removeprefix("@")


def test_an_audit_without_network_ends_in_one_line() -> None:
    env = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    env["https_proxy"] = "http://127.0.0.1:9"  # nobody answers there
    command = ["sh", "-c", audit_recipe()]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "error: pypi.org must be reachable for an audit, is not\n"
