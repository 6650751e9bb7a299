"""The sections of params.yaml: meaning and range of every key, checked before any work."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, Strict, StrictBool, ValidationError, field_validator, model_validator

from neft._utils import parallel
from neft._utils.checks import cut, one_of
from neft._utils.parallel import Machine
from neft._utils.strict import first_error
from neft.data.datasets import DATASETS, Source
from neft.devices import PRESETS
from neft.networks import INITIALISATIONS, NETWORKS
from neft.pipeline.hardware import PARTS, HardwareSection
from neft.pipeline.schema import (
    Count,
    Name,
    NonNegative,
    Number,
    Positive,
    Section,
    Seeds,
    Sizes,
)
from neft.pipeline.studies import Studies
from neft.pipeline.yaml_files import read_yaml
from neft.training import Method, NoiseInjection, Schedule, build_method
from neft.training.compiling import check_compiler
from neft.training.feasibility import check_training
from neft.training.grid import Benchmark
from neft.training.settings import EPOCHS, WHOLE_CHIP, vary_method


class Variation(Section):
    """The measured technologies that become models, each with a time in s.

    It counts from a cell's first read, or from its programming where reads have targets; 0 is then
    the error of programming alone. `folder` holds the tables that `neft characterize` makes.
    """

    folder: str
    technologies: dict[Name, NonNegative] = Field(min_length=1)


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
        self.source.check_count()
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


class Convergence(Section):
    """The validation accuracy, a fraction, above which a training counts as converged."""

    threshold: Annotated[Number, Field(ge=0, le=1)]


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
            facts = self.dataset.source.facts
            for images in studies.deployment.images:
                if facts and images > facts.training_images:
                    rule = f"must be at most the {facts.training_images} training images"
                    raise ValueError(f"studies.deployment.images {rule}, got {images}")
            for sigma_d in studies.deployment.sigma_d:
                one_of(self.training.sigma_d, **{"studies.deployment.sigma_d": sigma_d})
        for study in ("deployment", "border", "chip"):
            for name in getattr(getattr(studies, study), "methods", ()):
                one_of(self.methods, **{f"studies.{study}.methods": name})
        self._check_overruled()
        if studies.chip:
            one_of(self.training.sigma_d, **{"studies.chip.sigma_d": studies.chip.sigma_d})
            if not self.hardware.parts:
                rule = f"must not be there without {', '.join(PARTS)} in hardware"
                raise ValueError(f"studies.chip {rule}, got none")
        for name, settings in self.methods.items():
            if self.compute.scheduler and "module" in settings:  # a worker could keep old code
                rule = "must not be set with methods of your own"
                raise ValueError(f"compute.scheduler {rule}, got methods.{name}.module")
            if settings.get(WHOLE_CHIP) and not set(self.hardware.parts) - {"compensation"}:
                rule = "must not be true where hardware has devices alone in training"
                raise ValueError(f"methods.{name}.{WHOLE_CHIP} {rule}, got true")
        if self.hardware.periphery:
            self._check_periphery()
        return self

    def _check_overruled(self) -> None:
        """Refuse what a study that trains would not use: keys of methods, and stuck devices."""
        border, ablations = self.studies.border, self.studies.ablations
        overruled = [("border", name, EPOCHS) for name in (border.methods if border else ())]
        overruled += [(study, name, "initialisation") for study, name, _ in overruled]
        overruled += [("ablations", name, EPOCHS) for name in (ablations.vary if ablations else ())]
        for study, name, key in overruled:
            if key in self.methods[name]:
                rule = f"must not be set for studies.{study}, which has its own"
                raise ValueError(f"methods.{name}.{key} {rule}, got {self.methods[name][key]!r}")
        for study in ("ablations", "causes", "border", "search"):
            if "stuck" in self.hardware.parts and getattr(self.studies, study):
                rule = "must not be there with stuck devices, which only whole_chip trains with"
                raise ValueError(f"studies.{study} {rule}")

    def _check_periphery(self) -> None:
        """Refuse what knows devices alone, and more images than there are."""
        facts, images = self.dataset.source.facts, self.hardware.calibration_images
        if facts and images > (most := self.dataset.training_images or facts.training_images):
            rule = f"must be at most the {most} training images"
            raise ValueError(f"hardware.calibration_images {rule}, got {images}")
        if self.montecarlo.half_width is not None:
            rule = "must not be set where hardware has more than devices"
            raise ValueError(f"montecarlo.half_width {rule}, got {self.montecarlo.half_width}")
        for study in self.studies.model_fields_set - {"chip"}:
            rule = "must not be there where hardware has more than devices, which it tests alone"
            raise ValueError(f"studies.{study} {rule}")

    @property
    def benchmark(self) -> Benchmark:
        """The network and the data set."""
        about = self.network
        return Benchmark(self.dataset.source, about.name, about.width, about.initialisation)

    def sections(self) -> dict[str, Any]:
        """Return the sections as plain values, those of `studies` beside the others."""
        values = self.model_dump(exclude_unset=True)
        return values | values["studies"]


def load(path: Path | str = "params.yaml") -> Parameters:
    """Read and check a parameter file (YAML 1.2, as DVC reads it).

    Raises:
        ValueError: one line that names the file, the key, the rule and the value.
    """
    values = read_yaml(path)
    try:
        parameters = Parameters.model_validate(values)
        _check_trainings(parameters)
    except ValidationError as error:
        raise ValueError(cut(f"{path}: {first_error(error)}")) from error
    except ValueError as error:
        raise ValueError(cut(f"{path}: {error}")) from error
    return parameters


def _check_trainings(run: Parameters) -> None:
    """Refuse methods, networks and images that could not be trained together."""
    border, ablations = run.studies.border, run.studies.ablations
    methods = {name: build_method(name, settings) for name, settings in run.methods.items()}
    _check("network", NoiseInjection(), run.benchmark)
    for name, method in methods.items():
        _check(f"methods.{name}", method, run.benchmark)
    if border:
        for benchmark in border.benchmarks(run.benchmark, run.training.schedule):
            benchmark.data.check_count()
            for name in border.methods:
                _check("studies.border.vary", methods[name], benchmark)
    if ablations:
        for name, varied in ablations.vary.items():
            for setting, values in varied.items():
                for value in values:
                    method = vary_method(name, run.methods[name], setting, value)
                    _check(f"studies.ablations.vary.{name}.{setting}", method, run.benchmark)


def _check(key: str, method: Method, benchmark: Benchmark) -> None:
    try:
        check_training(method, benchmark)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error
