"""The parts of a chip as params.yaml describes them, for the study `chip`."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field, Strict, field_validator, model_validator

from neft._utils.checks import one_of
from neft.characterize.bundled import read_noise_models
from neft.chip import Converters, Deviations, Fixed, Hardware, Percentile
from neft.chip.converter_ranges import RangeRule
from neft.devices import ReadNoise
from neft.evaluation import COMPENSATIONS, Condition, Periphery
from neft.pipeline.schema import (
    Count,
    Names,
    NonNegative,
    Number,
    Positive,
    Section,
    Size,
    distinct,
)

PARTS = ("stuck", "read_noise", "converters", "compensation")
"""In the order in which the study adds them."""

DEVICES = "devices"
"""The chip without any of them."""

Share = Annotated[Number, Field(ge=0, le=1)]
RULES: dict[str, Any] = {"fixed": Fixed, "percentile": Percentile, "deviations": Deviations}


class Stuck(Section):
    """Shares of the devices that are stuck at the lowest and at the highest level."""

    low: Share
    high: Share

    @model_validator(mode="after")
    def _some(self) -> "Stuck":
        both = self.low + self.high
        if not 0 < both <= 1:
            raise ValueError(f"low + high must be above 0 and at most 1, got {both:g}")
        return self


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
    """One of the rules of `neft.chip.converter_ranges`, and its number."""

    fixed: Positive | None = None
    percentile: Positive | None = None
    deviations: Positive | None = None

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


class Chip(Section):
    """The study that adds a chip's parts to its devices one by one, and each part alone.

    It tests some methods' networks that were trained for `sigma_d`. A part without a section is
    off; at least one must be there. `calibration_images`, unlabelled ones of the training part, set
    the converters' ranges and BatchNorm's statistics.
    """

    methods: Names
    sigma_d: Size
    chips: Count
    calibration_images: Annotated[int, Strict(), Field(ge=2)]
    stuck: Stuck | None = None
    read_noise: Noise | None = None
    converters: ConverterSection | None = None
    compensation: Annotated[list[str], Field(min_length=1), AfterValidator(distinct)] | None = None

    @field_validator("compensation")
    @classmethod
    def _known(cls, names: list[str] | None) -> list[str] | None:
        for name in names or ():
            one_of(COMPENSATIONS, compensation=name)
        return names

    @model_validator(mode="after")
    def _some(self) -> "Chip":
        if not self.parts:
            raise ValueError(f"one of {', '.join(PARTS)} must be given, got none")
        return self

    @property
    def parts(self) -> list[str]:
        """The parts that are there, in their order."""
        return [name for name in PARTS if getattr(self, name) is not None]

    def conditions(self, hardware: Hardware) -> list[Condition]:
        """Return what networks are tested under, with the labels series and part.

        In the series "added" each part is on top of those before it, in the series "alone" on the
        devices only. Both begin with `DEVICES`.

        Raises:
            ValueError: the hardware cannot have stuck devices, or has some already.
        """
        parts = self.parts
        series = {
            "added": [parts[:count] for count in range(len(parts) + 1)],
            "alone": [[], *([part] for part in parts)],
        }
        return [
            Condition(
                self.hardware(hardware) if "stuck" in on else hardware,
                periphery=self.periphery(on),
                labels={"series": name, "part": on[-1] if on else DEVICES},
            )
            for name, steps in series.items()
            for on in steps
        ]

    def hardware(self, own: Hardware) -> Hardware:
        """Return the hardware with the stuck devices, if there are any."""
        if self.stuck is None:
            return own
        if own.stuck_low or own.stuck_high:
            both = f"{own.stuck_low} and {own.stuck_high}"
            raise ValueError(f"stuck_low and stuck_high of hardware must be 0, got {both}")
        return replace(own, stuck_low=self.stuck.low, stuck_high=self.stuck.high)

    def periphery(self, parts: list[str]) -> Periphery:
        """Return the periphery with the named parts on."""
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
