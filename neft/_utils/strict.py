"""Values from a file, taken only if they have exactly the types of a dataclass."""

import dataclasses
import json
from typing import Any, TypeVar, get_type_hints

from pydantic import ConfigDict, ValidationError, create_model

Made = TypeVar("Made")


def strictly(kind: type[Made], values: dict[str, Any], **made: Any) -> Made:
    """Return a dataclass of values that JSON gave: true is no number, and text is none.

    Args:
        kind: the dataclass.
        values: its fields by name.
        made: further fields, which are objects already.

    Raises:
        ValueError: a field is missing or unknown, or a value is of another type or refused; one
            line that names the key, the rule and the value.
    """
    types = get_type_hints(kind)
    known: dict[str, Any] = {
        field.name: (
            types[field.name],
            ... if field.default is dataclasses.MISSING else field.default,
        )
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]
        if field.name not in made
    }
    model = create_model(kind.__name__, __config__=ConfigDict(extra="forbid", strict=True), **known)
    try:
        checked = model.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise ValueError(first_error(error)) from error
    return kind(**{name: getattr(checked, name) for name in known}, **made)


def first_error(error: ValidationError, prefix: str = "") -> str:
    """Return the first error of a validation in one line: key, rule, value."""
    first = error.errors()[0]
    key = ".".join(map(str, [prefix, *first["loc"]] if prefix else first["loc"]))
    rule = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        rule = "unknown key"
    elif first["type"] == "missing":
        return f"{key}: missing key"
    if ", got " in rule:
        return f"{key}: {rule}" if key else rule
    return f"{key}: {rule}, got {first['input']!r}"
