"""Laws of the command `neft`: it starts fast, says what there is, and fails in one line."""

import ast
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

import neft
from neft import __main__
from neft.__main__ import COMMANDS, main

ROOT = Path(__file__).parents[1]


def test_the_installed_command_and_the_module_are_the_same() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"neft": "neft.__main__:main"}


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_load_nothing_heavy(option: str) -> None:
    heavy = "{'torch', 'numpy', 'pandas'} & sys.modules.keys()"
    code = f"import sys; from neft.__main__ import main; main(['{option}']); assert not {heavy}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = [f"neft {neft.__version__}"] if option == "--version" else COMMANDS
    assert all(text in done.stdout for text in said)


def test_without_a_command_it_says_what_there_is(capsys) -> None:
    main([])
    alone = capsys.readouterr().out
    main(["--help"])
    assert capsys.readouterr().out == alone


def test_an_unknown_command_ends_in_one_line_with_status_2(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["characterise", "reads.csv"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: command must be one of characterize, ")
    assert said.endswith("got 'characterise'\n")
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_gets_its_arguments_and_names_itself(name: str, capsys, monkeypatch) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: neft {name} ")
    given: list = []
    monkeypatch.setattr(import_module(COMMANDS[name][0]), "main", given.append)
    monkeypatch.setattr("sys.argv", ["neft", name, "one", "--two"])
    main()
    assert given == [["one", "--two"]]


def test_a_missing_extra_is_named_in_one_line(monkeypatch) -> None:
    def without_dvc(module: str) -> SimpleNamespace:
        raise ModuleNotFoundError("No module named 'ruamel'", name="ruamel.yaml")

    monkeypatch.setattr(__main__, "import_module", without_dvc)
    with pytest.raises(SystemExit) as ended:
        main(["run"])
    message = "error: ruamel.yaml must be installed for neft run: pip install 'neft[pipeline]'"
    assert ended.value.code == message


def test_a_fault_of_our_own_is_not_blamed_on_the_installation(monkeypatch) -> None:
    monkeypatch.setitem(COMMANDS, "lost", ("neft.lost", ""))
    with pytest.raises(ModuleNotFoundError, match=r"neft\.lost"):
        main(["lost"])


def test_only_commands_print() -> None:
    for path in sorted((ROOT / "neft").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and function.name != "main":
                names = {n.func.id for n in ast.walk(function) if is_named_call(n)}
                assert "print" not in names, f"{path.name}: {function.name}"


def is_named_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def test_the_package_offers_its_rooms_and_public_names_at_first_use() -> None:
    code = (
        "import sys, neft; assert 'torch' not in sys.modules; assert 'Hardware' in dir(neft);"
        "assert neft.evaluation.estimate_accuracy; from neft import *; assert OVF is neft.OVF"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="module 'neft' has no attribute 'Hardwear'"):
        _ = neft.Hardwear
