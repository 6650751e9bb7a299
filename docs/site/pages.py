"""The site's pages are the repository's own files, at their own places, so that links hold.

Texts stay as they are, and notebooks become text and code. A file that a page links to is on the
site, too: code as a page that shows it, a folder as a page that lists it.
"""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import reference

ROOT = reference.ROOT
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)[^)#\s]+")
SHOWN = {"": "text", ".py": "python", ".json": "json"}
SHOWN |= dict.fromkeys((".yaml", ".yml", ".cff"), "yaml")
UNSEARCHED = "---\nsearch:\n  exclude: true\n---\n\n"
NO_OUTPUTS = "*Here without outputs: `make lab` opens this notebook, to run it.*"


def named_files(nav: Any) -> list[Path]:
    """The files that `nav` of mkdocs.yml names, directly or by a pattern, in its order.

    Raises:
        ValueError: a file is not there.
    """
    if isinstance(nav, list):
        return [path for entry in nav for path in named_files(entry)]
    if isinstance(nav, dict):
        return named_files(list(nav.values()))
    found = sorted(ROOT.glob(nav))
    if not found and "*" not in nav:
        raise ValueError(f"nav of mkdocs.yml must name files that are there, got {nav}")
    return found


def with_addresses(nav: Any) -> list:
    """`nav` with pages' addresses in place of files; a section without a page is left out."""
    entries: list = []
    for entry in nav:
        if isinstance(entry, str):
            entries += [address(path, page=True) for path in named_files(entry)]
            continue
        ((title, inside),) = entry.items()
        if isinstance(inside, list):
            entries += [{title: below}] if (below := with_addresses(inside)) else []
        else:
            entries += [{title: address(path, page=True)} for path in named_files(inside)]
    return entries


def address(path: Path, *, page: bool) -> str:
    """Where a file or folder is on the site.

    Args:
        path: inside the repository.
        page: whether `nav` names it.
    """
    name = path.relative_to(ROOT).as_posix()
    if path.is_dir():
        return f"{name}/index.md"
    if page:
        return name.replace("__init__", "index").removesuffix(path.suffix) + ".md"
    return f"{name}.md" if path.suffix in SHOWN else name


def collect(named: Sequence[Path]) -> dict[str, str | Path]:
    """All files of the site by address: the text of a page, or the file that is there as it is.

    Args:
        named: files of `nav`; what they link to, and what that links to, is found from them.

    Raises:
        ValueError: a public name of the package has no docstring.
    """
    reference.check(path for path in named if path.suffix == ".py")
    found: dict[str, str | Path] = {}
    waiting = list(named)
    while waiting:
        path = waiting.pop()
        here = address(path, page=path in named)
        if here not in found:
            found[here], linked = _content(path, named)
            waiting += linked
    return found


def _content(path: Path, named: Sequence[Path]) -> tuple[str | Path, list[Path]]:
    """What is at a file's address, and the files and folders that it links to."""
    if path not in named and not path.is_dir():
        return (_shown(path) if path.suffix in SHOWN else path), []
    folder, linked = (path if path.is_dir() else path.parent), []

    def readdressed(link: re.Match) -> str:
        target = _target(folder / link[0], named)
        if target is None:
            return link[0]
        linked.append(target)
        return os.path.relpath(ROOT / address(target, page=target in named), folder)

    return LINK.sub(readdressed, _page(path)), linked


def _target(path: Path, named: Sequence[Path]) -> Path | None:
    """What a link leads to; None if it is not there, or is a text that `nav` does not name."""
    path = Path(os.path.normpath(path))
    for name in ("README.md", "__init__.py"):
        if path / name in named:
            return path / name
    unnamed = path.suffix == ".md" and path not in named
    return None if unnamed or not path.exists() or not path.is_relative_to(ROOT) else path


def _page(path: Path) -> str:
    if path.is_dir():
        return _listing(path)
    if path.suffix == ".py":
        return reference.page(path)
    text = path.read_text(encoding="utf-8")
    return _notebook(json.loads(text)["cells"]) if path.suffix == ".ipynb" else text


def _notebook(cells: list[dict]) -> str:
    parts = []
    for cell in cells:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"````python\n{source}\n````")
    return "\n\n".join([parts[0], NO_OUTPUTS, *parts[1:]])


def _listing(folder: Path) -> str:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = [path.relative_to(folder).as_posix() for path in files if path.suffix != ".pyc"]
    links = "\n".join(f"- [{name}]({name})" for name in names)
    return f"{UNSEARCHED}# {folder.relative_to(ROOT).as_posix()}\n\n{links}"


def _shown(path: Path) -> str:
    code = path.read_text(encoding="utf-8").rstrip()
    title = path.relative_to(ROOT).as_posix()
    return f"{UNSEARCHED}# {title}\n\n````{SHOWN[path.suffix]}\n{code}\n````"
