"""params.yaml: what every key means and may be, and one clear line when it is not so."""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML, YAMLError

from neft.datasets import DATASETS
from neft.method import Method
from neft.methods import METHODS
from neft.models import NETWORKS
from neft.training import Schedule
from neft.variation import PRESETS


def _distinct(values: list) -> list:
    if len(set(values)) < len(values):
        raise ValueError("values must be distinct")
    return values


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A section of params.yaml: no key may be missing, misspelt or changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Variation(Section):
    """Which measured technologies become models, and at what time after programming, in s."""

    technologies: dict[str, Positive] = Field(min_length=1)


class HardwareSection(Section):
    """A published preset or a measured technology; bits of a weight (M) and of a device (K)."""

    preset: str
    weight_bits: Count
    device_bits: Count

    @model_validator(mode="after")
    def _whole_devices(self) -> "HardwareSection":
        if self.weight_bits % self.device_bits:
            raise ValueError(
                f"device_bits must divide weight_bits ({self.weight_bits}), got {self.device_bits}"
            )
        return self


class Dataset(Section):
    """A data set of `neft.datasets.DATASETS`."""

    name: str

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return known(name, DATASETS)


class Network(Section):
    """A network of `neft.models.NETWORKS` and its width multiplier."""

    name: str
    width: Positive

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return known(name, NETWORKS)


class Training(Section):
    """The grid of trainings, a network for each sigma_d and seed, and their schedule."""

    sigma_d: Annotated[list[NonNegative], Field(min_length=1), AfterValidator(_distinct)]
    seeds: Annotated[
        list[Annotated[int, Field(ge=0)]], Field(min_length=1), AfterValidator(_distinct)
    ]
    epochs: Count
    batch_size: Count
    learning_rate: Positive
    validation_chips: Count

    @property
    def schedule(self) -> Schedule:
        """Epochs, batch size, learning rate, validation chips."""
        return Schedule(self.epochs, self.batch_size, self.learning_rate, self.validation_chips)


class MonteCarlo(Section):
    """Chips that every trained network is tested on, and images per forward pass."""

    chips: Count
    batch_size: Count


class Parameters(Section):
    """A complete params.yaml."""

    variation: Variation
    hardware: HardwareSection
    dataset: Dataset
    network: Network
    training: Training
    montecarlo: MonteCarlo
    methods: dict[str, dict[str, Any]] = Field(min_length=1)

    @model_validator(mode="after")
    def _preset_exists(self) -> "Parameters":
        choices = [*PRESETS, *self.variation.technologies]
        if self.hardware.preset not in choices:
            raise ValueError(
                f"hardware.preset must be one of {', '.join(choices)}, got {self.hardware.preset!r}"
            )
        return self


def known(name: str, choices: dict[str, Any]) -> str:
    """Return `name` if it is one of the choices, else raise ValueError."""
    if name not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    return name


def build_method(name: str, settings: dict[str, Any]) -> Method:
    """Return the method that a section of `methods` describes.

    Raises:
        ValueError: unknown method or setting, or a bad value; one line with the key.
    """
    if name not in METHODS:
        raise ValueError(f"methods.{name}: must be one of {', '.join(METHODS)}, got {name!r}")
    fields = [field.name for field in dataclasses.fields(METHODS[name])]
    for key in settings:
        if key not in fields:
            raise ValueError(f"methods.{name}.{key}: unknown key (known: {', '.join(fields)})")
    try:
        return TypeAdapter(METHODS[name]).validate_python(settings)
    except ValidationError as error:
        raise ValueError(first_error(error, f"methods.{name}")) from error


def load(path: Path | str = "params.yaml") -> Parameters:
    """Read and check a parameter file (YAML 1.2, as DVC reads it).

    Raises:
        ValueError: one line that names the file, the key, the rule and the value.
    """
    try:
        values = YAML(typ="safe", pure=True).load(Path(path).read_text(encoding="utf-8"))
        parameters = Parameters.model_validate(values)
        for name, settings in parameters.methods.items():
            build_method(name, settings)
    except ValidationError as error:
        raise ValueError(f"{path}: {first_error(error)}") from error
    except YAMLError as error:
        raise ValueError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    return parameters


def first_error(error: ValidationError, prefix: str = "") -> str:
    """Say the first thing that is wrong in one line: key, rule, value."""
    first = error.errors()[0]
    key = ".".join(map(str, filter(None, [prefix, *first["loc"]])))
    rule = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        rule = "unknown key"
    elif first["type"] == "missing":
        return f"{key}: missing key"
    if ", got " in rule:
        return f"{key}: {rule}" if key else rule
    return f"{key}: {rule}, got {first['input']!r}"


def main() -> None:
    """Check a parameter file; exit 1 with one line if something is wrong."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("path", nargs="?", default="params.yaml")
    try:
        load(parser.parse_args().path)
    except ValueError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
