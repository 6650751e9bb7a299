"""What values in params.yaml can be: sections without unknown keys, strict numbers, lists."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict


def distinct(values: list) -> list:
    """Check that no value of a list is there twice."""
    if any(value in values[:i] for i, value in enumerate(values)):
        raise ValueError("values must be distinct")
    return values


# Strict: neither true nor "1" is 1. A name stands in paths, commands, tables and pages.
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0)]
NonNegative = Annotated[Number, Field(ge=0)]
Count = Annotated[int, Strict(), Field(ge=1, le=1_000_000)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=60)]
Size = Annotated[Number, Field(ge=0, le=1)]  # of an error, as a fraction of the full range
Sizes = Annotated[list[Size], Field(min_length=1), AfterValidator(distinct)]
Names = Annotated[list[str], Field(min_length=1), AfterValidator(distinct)]
Shares = Annotated[
    list[Annotated[Number, Field(ge=0, le=1)]], Field(min_length=1), AfterValidator(distinct)
]
Seeds = Annotated[
    list[Annotated[int, Strict(), Field(ge=0)]], Field(min_length=1), AfterValidator(distinct)
]


class Section(BaseModel):
    """A section of params.yaml: no key may be missing, misspelt or changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)
