"""Read a YAML file whose size, depth and number of values are bounded, before it is used."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from neft._utils.checks import cut
from neft._utils.files import check_regular

MOST_BYTES = 100_000
MOST_VALUES = 10_000
DEEPEST = 20
TOO_DEEP = f"must be nested at most {DEEPEST} deep, got more"


def read_yaml(path: Path | str) -> Any:
    """Return the values of a YAML 1.2 file, as DVC reads it; no tag can make objects of others.

    Raises:
        ValueError: not a regular file, too large, not YAML, or nested too deep; it names the file.
            A value that several places name (`*alias`) counts at each, so that values cannot
            multiply without end.
    """
    check_regular(path)
    if (size := Path(path).stat().st_size) > MOST_BYTES:
        raise ValueError(f"{path}: must be at most {MOST_BYTES:,} bytes, got {size:,}")
    try:
        values = YAML(typ="safe", pure=True).load(Path(path).read_text(encoding="utf-8"))
        _check_extent(values)
    except (OSError, ValueError, YAMLError) as error:
        raise ValueError(cut(f"{path}: not YAML: {error}")) from error
    except RecursionError as error:
        raise ValueError(f"{path}: {TOO_DEEP}") from error
    return values


def _check_extent(values: Any) -> None:
    level, count = [values], 0
    for _ in range(DEEPEST):
        count += len(level)
        if count > MOST_VALUES:
            raise ValueError(f"must hold at most {MOST_VALUES:,} values, got more")
        level = [part for value in level for part in _parts(value)]
        if not level:
            return
    raise ValueError(TOO_DEEP)


def _parts(value: Any) -> list:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return list(value) if isinstance(value, list | tuple | set) else []
