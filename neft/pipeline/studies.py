"""The sections of `studies` in params.yaml, one for each study that a run makes."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, Strict, field_validator, model_validator

from neft._utils.checks import one_of
from neft.networks import INITIALISATIONS
from neft.pipeline.schema import (
    Count,
    Names,
    Number,
    Positive,
    Section,
    Seeds,
    Shares,
    Size,
    Sizes,
    distinct,
)
from neft.training.factorial import combinations
from neft.training.grid import Benchmark
from neft.training.loop import Schedule
from neft.training.points import check_setting, points
from neft.training.search import Range, Space, check_space

Values = Annotated[list[Any], Field(min_length=1), AfterValidator(distinct)]


class Comparison(Section):
    """A study of one method's networks, on a number of chips."""

    method: str
    chips: Count


class Mapping(Comparison):
    """The study of mappings, with the shares of stuck devices on differential pairs."""

    stuck: Shares


class Ablations(Section):
    """The study of settings changed one at a time, of other sigma_d and of other devices.

    `vary` names sections of `methods`, their settings and the values to try instead, at `sigma_d`.
    Noise injection is trained and tested at every pair of `sigma_matrix` and, at `sigma_d`, on
    every pair of `devices`.
    """

    sigma_d: Size
    seeds: Seeds
    epochs: Count
    chips: Count
    vary: Annotated[
        dict[str, Annotated[dict[str, Values], Field(min_length=1)]], Field(min_length=1)
    ]
    sigma_matrix: Sizes
    devices: Names


class Deployment(Section):
    """The study of corrections after programming, of some methods' networks.

    `sigma_d` is what the networks were trained for. `images` re-estimate BatchNorm's statistics;
    `shares` of the weights are verified and then err at `sigma_verified`. At least one share must
    lie strictly between 0 and 1, as the order of verification has no effect at 0 and 1.
    """

    methods: Names
    sigma_d: Sizes
    chips: Count
    images: Annotated[
        list[Annotated[int, Strict(), Field(ge=2)]],
        Field(min_length=1),
        AfterValidator(distinct),
    ]
    shares: Shares
    sigma_verified: Size

    @field_validator("shares")
    @classmethod
    def _ordered(cls, shares: list[float]) -> list[float]:
        if not any(0 < share < 1 for share in shares):
            raise ValueError("at least one share must lie strictly between 0 and 1")
        return shares


class Causes(Section):
    """The factorial experiment on combinations of `factors` (`neft.training.factorial`)."""

    sigma_d: Sizes
    seeds: Seeds
    epochs: Count
    chips: Count
    factors: Annotated[Names, Field(min_length=2)]
    half: bool = False

    @model_validator(mode="after")
    def _known(self) -> "Causes":
        combinations(self.factors, half=self.half)
        return self


class Border(Section):
    """The study of the conditions under which methods train, changed one at a time.

    `vary` names settings (`neft.training.points`) and their values. A method trains where the
    interval of its accuracy is above `threshold`, and fails where it is below.
    """

    sigma_d: Size
    seeds: Seeds
    chips: Count
    threshold: Annotated[Number, Field(ge=0, le=1)]
    methods: Names
    initialisations: Names
    vary: Annotated[
        dict[str, Annotated[list[Positive], Field(min_length=1), AfterValidator(distinct)]],
        Field(min_length=1),
    ]

    @model_validator(mode="after")
    def _known(self) -> "Border":
        for name in self.initialisations:
            one_of(INITIALISATIONS, initialisations=name)
        for setting, values in self.vary.items():
            check_setting(setting, values)
        return self

    def benchmarks(self, benchmark: Benchmark, schedule: Schedule) -> list[Benchmark]:
        """Return the benchmarks of all conditions of a run."""
        return [point.benchmark for point in points(benchmark, schedule, self.vary)]


class Chip(Section):
    """The study that adds the parts of `hardware` to its devices one by one, and each part alone.

    It tests some methods' networks that were trained for `sigma_d`.
    """

    methods: Names
    sigma_d: Size
    chips: Count


class SearchRange(Section):
    """Numbers that a setting can have; with `log` the search looks at ratios."""

    low: Number
    high: Number
    log: bool = False


class Search(Section):
    """The search of a method's settings on validation images (`neft.training.search`).

    `space` names settings of `method` and their values, a list or a range.
    """

    method: str
    sigma_d: Size
    seeds: Seeds
    proposals: Count
    batch: Count
    space: Annotated[dict[str, SearchRange | Values], Field(min_length=1)]

    @model_validator(mode="after")
    def _known(self) -> "Search":
        check_space(self.method, self.ranges)
        return self

    @property
    def ranges(self) -> Space:
        """The space, as the search takes it."""
        return {
            name: Range(**values.model_dump()) if isinstance(values, SearchRange) else values
            for name, values in self.space.items()
        }


class Studies(Section):
    """Studies beyond the comparison of methods: a run makes those that it has a section for."""

    mapping: Mapping | None = None
    ageing: Comparison | None = None
    ablations: Ablations | None = None
    deployment: Deployment | None = None
    causes: Causes | None = None
    border: Border | None = None
    search: Search | None = None
    chip: Chip | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> "Studies":
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                raise ValueError(f"{name} must have settings, or not be there, got None")
        return self
