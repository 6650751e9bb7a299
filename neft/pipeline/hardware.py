"""The section `hardware` of params.yaml: a chip, its devices and what stands around them."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field, Strict, field_validator, model_validator

from neft._utils.checks import one_of
from neft.characterize.bundled import read_noise_models
from neft.chip import (
    COMPENSATIONS,
    Converters,
    Deviations,
    Fixed,
    Hardware,
    Learned,
    Percentile,
    Periphery,
)
from neft.chip.converter_ranges import RangeRule
from neft.devices import PRESETS, DriftingGaussian, ReadNoise, VariationModel
from neft.evaluation import Condition
from neft.pipeline.schema import (
    Count,
    NonNegative,
    Number,
    Positive,
    Section,
    distinct,
)

PARTS = ("stuck", "read_noise", "converters", "compensation")
"""In the order in which the study `chip` adds them."""

DEVICES = "devices"
"""The chip without any of them."""

RULES: dict[str, Any] = {
    "fixed": Fixed,
    "percentile": Percentile,
    "deviations": Deviations,
    "learned": Learned,
}


class NoiseParts(Section):
    """The parts of a `neft.devices.ReadNoise`."""

    white: NonNegative
    flicker: NonNegative
    exponent: Number
    telegraph: NonNegative
    corner_Hz: Positive
    low_Hz: Positive
    high_Hz: Positive


class Noise(Section):
    """Read noise of a measured `device` (`neft characterize` bundles five), or its `parts`.

    One read serves `images_per_read` test images (null: all), and the next one is `interval_s`
    later.
    """

    device: str | None = None
    parts: NoiseParts | None = None
    images_per_read: Count | None
    interval_s: Positive

    @model_validator(mode="after")
    def _possible(self) -> "Noise":
        if (self.device is None) == (self.parts is None):
            raise ValueError(f"one of device and parts must be given, got {self.device!r}")
        if not self.model.sigma > 0:
            raise ValueError(f"parts must not all be 0, got {self.model.sigma}")
        return self

    @property
    def model(self) -> ReadNoise:
        """The noise of one device."""
        if self.parts is not None:
            return ReadNoise("own", "the parameter file", **self.parts.model_dump())
        models = read_noise_models()
        one_of(models, device=self.device)
        return models[str(self.device)]


class Range(Section):
    """One of the rules of `neft.chip.converter_ranges`, and its first number."""

    fixed: Positive | None = None
    percentile: Positive | None = None
    deviations: Positive | None = None
    learned: Positive | None = None

    @model_validator(mode="after")
    def _one(self) -> "Range":
        given = {name: value for name, value in vars(self).items() if value is not None}
        if len(given) != 1:
            known = ", ".join(RULES)
            raise ValueError(f"one of {known} must be given, got {', '.join(given) or 'none'}")
        self.rule  # noqa: B018  # checks its number
        return self

    @property
    def rule(self) -> RangeRule:
        """The rule."""
        ((name, value),) = ((n, v) for n, v in vars(self).items() if v is not None)
        return RULES[name](value)


class ConverterSection(Section):
    """Converters and tiles; the keys are those of `neft.chip.Converters`."""

    dac_bits: Count | None = None
    adc_bits: Count | None = None
    input_range: Range | None = None
    output_range: Range | None = None
    tile_rows: Count | None = None

    @model_validator(mode="after")
    def _possible(self) -> "ConverterSection":
        if self.converters.exact:
            raise ValueError("dac_bits, adc_bits or tile_rows must be given, got none")
        return self

    @property
    def converters(self) -> Converters:
        """The converters."""
        ends = {"input_range": self.input_range, "output_range": self.output_range}
        rules: dict[str, Any] = {name: each and each.rule for name, each in ends.items()}
        return Converters(self.dac_bits, self.adc_bits, tile_rows=self.tile_rows, **rules)


class HardwareSection(Section):
    """The chip of a run: its devices, and what stands around them.

    `preset` is a published preset or a measured technology; the keys up to `stuck_high` are those
    of `neft.Hardware`. A part without a key is off. `calibration_images`, unlabelled ones of the
    training part, set the converters' ranges and BatchNorm's statistics. `time_s`, after the first
    read, is of a preset that drifts; `variation` has the times of measured technologies.
    """

    preset: str
    weight_bits: Count
    device_bits: Count
    scale: str
    mapping: str
    stuck_low: Number
    stuck_high: Number
    time_s: NonNegative | None = None
    read_noise: Noise | None = None
    converters: ConverterSection | None = None
    compensation: Annotated[list[str], Field(min_length=1), AfterValidator(distinct)] | None = None
    calibration_images: Annotated[int, Strict(), Field(ge=2)] = 500

    @field_validator("compensation")
    @classmethod
    def _known(cls, names: list[str] | None) -> list[str] | None:
        for name in names or ():
            one_of(COMPENSATIONS, compensation=name)
        return names

    @model_validator(mode="after")
    def _possible(self) -> "HardwareSection":
        self.on(PRESETS.get(self.preset, PRESETS["RRAM1"]))
        return self

    def on(self, model: VariationModel) -> Hardware:
        """Return the devices with a variation model in the preset's place.

        Raises:
            ValueError: there is a time, but the model does not drift.
        """
        if self.time_s is not None:
            if not isinstance(model, DriftingGaussian):
                rule = "time_s must be of a preset that drifts (PCM_drift)"
                raise ValueError(f"{rule}, got {self.time_s:g} for {model.name}")
            model = model.at(self.time_s)
        about = {"preset", "time_s", "calibration_images", *PARTS}
        return Hardware(model, **self.model_dump(exclude=about))

    @property
    def parts(self) -> list[str]:
        """The parts that are on, in their order."""
        stuck = ["stuck"] if self.stuck_low or self.stuck_high else []
        return stuck + [name for name in PARTS[1:] if getattr(self, name) is not None]

    @property
    def periphery(self) -> Periphery | None:
        """What stands around the devices; None if nothing does."""
        return self._periphery(self.parts) if set(self.parts) - {"stuck"} else None

    def in_training(self, hardware: Hardware, *, whole_chip: bool) -> dict[str, Any]:
        """Return the hardware and the periphery that a training sees, by these names.

        Args:
            hardware: the devices of the run.
            whole_chip: with all parts but compensation; otherwise with none.
        """
        if whole_chip:
            return {"hardware": hardware, "periphery": self.periphery}
        return {"hardware": _whole(hardware), "periphery": None}

    def conditions(self, hardware: Hardware) -> list[Condition]:
        """Return what the study `chip` tests under, with the labels series and part.

        In the series "added" each part is on top of those before it, in the series "alone" on the
        devices only. Both begin with `DEVICES`.

        Args:
            hardware: the devices of the run.
        """
        parts = self.parts
        series = {
            "added": [parts[:count] for count in range(len(parts) + 1)],
            "alone": [[], *([part] for part in parts)],
        }
        return [
            Condition(
                hardware if "stuck" in on else _whole(hardware),
                periphery=self._periphery(on),
                labels={"series": name, "part": on[-1] if on else DEVICES},
            )
            for name, steps in series.items()
            for on in steps
        ]

    def _periphery(self, parts: list[str]) -> Periphery:
        noise, converters = self.read_noise, self.converters
        on: dict[str, Any] = {}
        if noise and "read_noise" in parts:
            on |= {"read_noise": noise.model, "interval_s": noise.interval_s}
            on |= {"images_per_read": noise.images_per_read}
        if converters and "converters" in parts:
            on |= {"converters": converters.converters}
        if "compensation" in parts:
            on |= {"compensation": tuple(self.compensation or ())}
        return Periphery(**on, images=self.calibration_images)


def _whole(hardware: Hardware) -> Hardware:
    return replace(hardware, stuck_low=0.0, stuck_high=0.0)
