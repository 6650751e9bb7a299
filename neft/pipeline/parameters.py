"""The sections of params.yaml: meaning and range of every key, checked before any work."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StrictBool,
    ValidationError,
    field_validator,
    model_validator,
)
from ruamel.yaml import YAML, YAMLError

from neft._utils import parallel
from neft._utils.checks import one_of
from neft._utils.parallel import Machine
from neft.chip import Hardware
from neft.data.datasets import DATASETS, Source
from neft.devices import PRESETS, VariationModel
from neft.networks import INITIALISATIONS, NETWORKS
from neft.training import Schedule, build_method
from neft.training.compiling import check_compiler
from neft.training.factorial import FACTORS
from neft.training.points import SETTINGS
from neft.training.settings import check_snapshots, first_error, vary_method


def _distinct(values: list) -> list:
    if any(value in values[:i] for i, value in enumerate(values)):
        raise ValueError("values must be distinct")
    return values


# Strict: neither true nor "1" is 1. A name stands in paths, commands, tables and pages.
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0)]
NonNegative = Annotated[Number, Field(ge=0)]
Count = Annotated[int, Strict(), Field(ge=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=60)]
Sizes = Annotated[list[NonNegative], Field(min_length=1), AfterValidator(_distinct)]
Names = Annotated[list[str], Field(min_length=1), AfterValidator(_distinct)]
Shares = Annotated[
    list[Annotated[Number, Field(ge=0, le=1)]], Field(min_length=1), AfterValidator(_distinct)
]
Seeds = Annotated[
    list[Annotated[int, Strict(), Field(ge=0)]], Field(min_length=1), AfterValidator(_distinct)
]


class Section(BaseModel):
    """A section of params.yaml: no key may be missing, misspelt or changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Variation(Section):
    """The measured technologies that become models, each with a time after its first read, in s.

    `folder` holds the tables that `python -m neft.characterize` makes from reads.
    """

    folder: str
    technologies: dict[Name, Positive] = Field(min_length=1)


class HardwareSection(Section):
    """A published preset or a measured technology; the other keys are those of `neft.Hardware`."""

    preset: str
    weight_bits: Count
    device_bits: Count
    scale: str
    mapping: str
    stuck_low: Number
    stuck_high: Number

    @model_validator(mode="after")
    def _possible(self) -> "HardwareSection":
        self.on(PRESETS["RRAM1"])
        return self

    def on(self, model: VariationModel) -> Hardware:
        """Return the hardware with a variation model in the preset's place."""
        return Hardware(model, **self.model_dump(exclude={"preset"}))


class Dataset(Section):
    """A data set, its images' side in pixels, how many train (null: all), and its folder.

    As in `neft.data.datasets.Source`.
    """

    name: Name
    side: Annotated[int, Strict(), Field(ge=8)]
    training_images: Count | None
    folder: str

    @model_validator(mode="after")
    def _known(self) -> "Dataset":
        if self.name not in DATASETS:
            self.source.check()  # a folder of the user's
        return self

    @property
    def source(self) -> Source:
        """The data set."""
        return Source(**self.model_dump())


class Network(Section):
    """A network of `neft.networks.NETWORKS`, its width multiplier and its initial weights."""

    name: str
    width: Positive
    initialisation: str = "torch"


class Training(Section):
    """The grid of trainings, one network for each sigma_d and seed, and their schedule."""

    sigma_d: Sizes
    seeds: Seeds
    epochs: Count
    batch_size: Count
    learning_rate: Positive
    validation_chips: Count

    @property
    def schedule(self) -> Schedule:
        """The keys that every training run of the grid shares."""
        return Schedule(self.epochs, self.batch_size, self.learning_rate, self.validation_chips)


class MonteCarlo(Section):
    """Number of chips that every network is tested on, each with the whole test part.

    With `half_width`, the mean accuracy is also estimated from a few images each of as many chips
    as its 95 % interval needs to be that narrow (`neft.evaluation.estimate`).
    """

    chips: Count
    half_width: Positive | None = None


class Compute(Section):
    """The device (auto, cpu, cuda or mps); whether to train in mixed precision and compiled.

    With `scheduler`, the address of a Dask scheduler, its workers compute (docs/cluster.md).
    """

    device: str
    mixed_precision: StrictBool
    compile: StrictBool = False
    scheduler: Annotated[str, Field(pattern=r"^(tcp|tls)://\S+:\d+$")] | None = None

    @field_validator("device")
    @classmethod
    def _there(cls, device: str) -> str:
        parallel.find_device(device)
        return device

    @model_validator(mode="after")
    def _compiler(self) -> "Compute":
        if self.compile:
            check_compiler(self.machine.device)
        return self

    @property
    def machine(self) -> Machine:
        """The device that "auto" stands for, or the named one, and the other choices."""
        device = parallel.find_device(self.device)
        return Machine(device, self.mixed_precision, self.compile, self.scheduler)


class Comparison(Section):
    """A study of one method's networks, on a number of chips."""

    method: str
    chips: Count


class Convergence(Section):
    """The validation accuracy, a fraction, above which a training counts as converged."""

    threshold: Annotated[Number, Field(ge=0, le=1)]


class Mapping(Comparison):
    """The study of mappings, with the shares of stuck devices on differential pairs."""

    stuck: Shares


class Ablations(Section):
    """The study of settings changed one at a time, of other sigma_d and of other devices.

    `vary` names sections of `methods`, their settings and the values to try instead, at `sigma_d`.
    Noise injection is trained and tested at every pair of `sigma_matrix` and, at `sigma_d`, on
    every pair of `devices`.
    """

    sigma_d: NonNegative
    seeds: Seeds
    epochs: Count
    chips: Count
    vary: dict[
        str,
        dict[str, Annotated[list[Any], Field(min_length=1), AfterValidator(_distinct)]],
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
        AfterValidator(_distinct),
    ]
    shares: Shares
    sigma_verified: NonNegative

    @field_validator("shares")
    @classmethod
    def _ordered(cls, shares: list[float]) -> list[float]:
        if not any(0 < share < 1 for share in shares):
            raise ValueError("at least one share must lie strictly between 0 and 1")
        return shares


class Causes(Section):
    """The factorial experiment: all combinations of `factors` (`neft.training.factorial`)."""

    sigma_d: Sizes
    seeds: Seeds
    epochs: Count
    chips: Count
    factors: Annotated[Names, Field(min_length=2)]

    @field_validator("factors")
    @classmethod
    def _known(cls, factors: list[str]) -> list[str]:
        for factor in factors:
            one_of(FACTORS, factor=factor)
        return factors


class Border(Section):
    """The study of the conditions under which methods train, changed one at a time.

    `vary` names settings (`neft.training.points`) and their values. A method trains where the
    interval of its accuracy is above `threshold`, and fails where it is below.
    """

    sigma_d: NonNegative
    seeds: Seeds
    chips: Count
    threshold: Annotated[Number, Field(ge=0, le=1)]
    methods: Names
    initialisations: Names
    vary: dict[str, Annotated[list[Positive], Field(min_length=1), AfterValidator(_distinct)]]

    @model_validator(mode="after")
    def _known(self) -> "Border":
        for name in self.initialisations:
            one_of(INITIALISATIONS, initialisations=name)
        for setting in self.vary:
            one_of(SETTINGS, vary=setting)
        return self


class Studies(Section):
    """Studies beyond the comparison of methods: a run makes those that it has a section for."""

    mapping: Mapping | None = None
    ageing: Comparison | None = None
    ablations: Ablations | None = None
    deployment: Deployment | None = None
    causes: Causes | None = None
    border: Border | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> "Studies":
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                raise ValueError(f"{name} must have settings, or not be there, got None")
        return self


class Parameters(Section):
    """A complete params.yaml."""

    variation: Variation
    hardware: HardwareSection
    dataset: Dataset
    network: Network
    training: Training
    montecarlo: MonteCarlo
    compute: Compute
    convergence: Convergence
    methods: dict[Name, dict[str, Any]] = Field(min_length=1)
    studies: Studies

    @model_validator(mode="after")
    def _names_exist(self) -> "Parameters":
        technologies, studies = self.variation.technologies, self.studies
        whole = [f"{name}_{kind}" for name in technologies for kind in ("smooth", "quantiles")]
        presets = [*PRESETS, *technologies, *whole]
        for name in technologies:
            if name in (*PRESETS, "hardware", *whole):
                rule = "must not be the name of a preset or of another model"
                raise ValueError(f"variation.technologies {rule}, got {name!r}")
        one_of(presets, **{"hardware.preset": self.hardware.preset})
        one_of(NETWORKS, **{"network.name": self.network.name})
        one_of(INITIALISATIONS, **{"network.initialisation": self.network.initialisation})
        for study in ("mapping", "ageing"):
            if section := getattr(studies, study):
                one_of(self.methods, **{f"studies.{study}.method": section.method})
        if studies.ablations:
            for name in studies.ablations.devices:
                one_of(presets, **{"studies.ablations.devices": name})
            for name in studies.ablations.vary:
                one_of(self.methods, **{"studies.ablations.vary": name})
        if studies.deployment:
            for name in studies.deployment.methods:
                one_of(self.methods, **{"studies.deployment.methods": name})
            for sigma_d in studies.deployment.sigma_d:
                one_of(self.training.sigma_d, **{"studies.deployment.sigma_d": sigma_d})
        if studies.border:
            for name in studies.border.methods:
                one_of(self.methods, **{"studies.border.methods": name})
        return self

    def sections(self) -> dict[str, Any]:
        """Return the sections as plain values, those of `studies` beside the others."""
        values = self.model_dump(exclude_unset=True)
        return values | values["studies"]


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
        if parameters.studies.ablations:
            _check_variants(parameters, parameters.studies.ablations.vary)
    except ValidationError as error:
        raise ValueError(f"{path}: {first_error(error)}") from error
    except YAMLError as error:
        raise ValueError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    return parameters


def _check_variants(parameters: Parameters, vary: dict[str, dict[str, list[Any]]]) -> None:
    for name, varied in vary.items():
        for setting, values in varied.items():
            for value in values:
                method = vary_method(name, parameters.methods[name], setting, value)
                check_snapshots(name, method, parameters.network.name)
