"""Pages of the reference: what each room of the package offers, and the command line.

Names and docstrings of the package are read from its sources; nothing of it is imported for them.
"""

import ast
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout, suppress
from functools import cache
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parents[2]
IMPORTED = ROOT / "neft" / "_public.py"
COMMANDS = ROOT / "neft" / "__main__.py"


def page(path: Path) -> str:
    """Page of a room, of the package itself or of its commands, by the file that names it."""
    if path == COMMANDS:
        return _commands()
    if path.parent == ROOT / "neft" and path.name == "__init__.py":
        return _package(path)
    return _room(path)


def public_names(path: Path) -> list[str]:
    """Full names that the reference of a room has.

    They are the functions and classes that its `__init__` defines; if there are none, the names
    that it imports from the package; if there are none, the functions and classes of its modules.
    What a command starts with, `main`, is left to the page of commands.

    Args:
        path: a room's `__init__.py`, or its only module.
    """
    tree = _tree(path)
    defined = [
        f"{_module(path)}.{node.name}"
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and node.name != "main"
    ]
    if defined or path.name != "__init__.py":
        return defined
    imported = [f"{_module(path)}.{name}" for name, _ in _imports(tree)]
    modules = sorted(path.parent.glob("[!_]*.py"))
    return imported or [name for module in modules for name in public_names(module)]


def imported_names() -> dict[str, str]:
    """Names that users import from `neft` itself -> the full names that the reference has."""
    return dict(_imports(_tree(IMPORTED)))


def definition(name: str) -> str:
    """A public name as the reference looks it up: its definition's, where a module has the same."""
    if not _file(name).exists():
        return name
    module, _, short = name.rpartition(".")
    return dict(_imports(_tree(_file(module))))[short]


def docstring(name: str) -> str:
    """The docstring of a public name, or of a constant the string below it; empty if none."""
    module, _, short = name.rpartition(".")
    tree = _tree(_file(module))
    origin = dict(_imports(tree)).get(short)
    if origin:
        return docstring(origin)
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if short in _names(node):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                return ast.get_docstring(node) or ""
            text = after.value if isinstance(after, ast.Expr) else None
            return str(text.value) if isinstance(text, ast.Constant) else ""
    return ""


def check(rooms: Iterable[Path]) -> None:
    """Check that public names of rooms have docstrings.

    Raises:
        ValueError: some have none.
    """
    names = [name for room in rooms for name in public_names(room)]
    bare = [name for name in names if not docstring(name)]
    if bare:
        raise ValueError(f"public names must have docstrings, got none for {', '.join(bare)}")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _file(module: str) -> Path:
    base = ROOT.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Name and full name of each import from the package."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("neft."):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _names(node: ast.stmt) -> list[str]:
    """Names that a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _room(path: Path) -> str:
    names = public_names(path)
    room = _module(path)
    parts = [f"# {room}", ast.get_docstring(_tree(path)) or ""]
    shown = room
    for name in names:
        module = name.rpartition(".")[0]
        if module != shown:
            parts += [f"## {module}", ast.get_docstring(_tree(_file(module))) or ""]
            shown = module
        options = f"heading: {name}\n      heading_level: {2 if module == room else 3}"
        parts.append(f"::: {definition(name)}\n    options:\n      {options}")
    texts = sorted(path.parent.rglob("*.md")) if path.name == "__init__.py" else []
    if texts:
        parts += ["## Texts", "\n".join(_link(text, path.parent) for text in texts)]
    return "\n\n".join(parts)


def _link(text: Path, folder: Path) -> str:
    title = text.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    return f"- [{title}]({text.relative_to(folder).as_posix()})"


def _package(path: Path) -> str:
    rows = [
        f"| [`{name}`][{full}] | {docstring(full).splitlines()[0]} |"
        for name, full in sorted(imported_names().items(), key=lambda item: item[0].lower())
    ]
    head = ["# neft", ast.get_docstring(_tree(path)) or "", "## What users import from `neft`"]
    return "\n\n".join([*head, "\n".join(["| name | what it is |", "|---|---|", *rows])])


def _commands() -> str:
    from neft.__main__ import COMMANDS, main

    parts = ["# Command line"]
    for command in ("", *COMMANDS):
        printed = io.StringIO()
        width = mock.patch.dict(os.environ, COLUMNS="80")
        with width, redirect_stdout(printed), suppress(SystemExit):
            main([*command.split(), "--help"])
        parts += [f"## neft {command}".rstrip(), f"```text\n{printed.getvalue().rstrip()}\n```"]
    return "\n\n".join(parts)
