"""Sliders for a notebook, and the picture that follows them."""

from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

from neft._utils.checks import one_of
from neft.devices import MODEL_NAMES, PRESETS
from neft.explore.aged_devices import hardware_at, times
from neft.explore.choices import Choices, networks
from neft.explore.exploration import explore

CLIPS: dict[str, float | None] = {"none": None}
CLIPS |= {f"{c:g} std": c for c in (4, 3.5, 3, 2.75, 2.5, 2.25, 2, 1.75, 1.5)}
BITS: dict[str, int | None] = {"exact": None}
BITS |= {f"{bits} bits": bits for bits in (12, 10, 8, 7, 6, 5, 4, 3, 2)}
LARGEST_SIGMA_D = 0.4


class Explorer:
    """Controls of `Choices`, and a picture that is drawn again whenever one of them changes.

    As the last line of a notebook's cell it is displayed.

    Args:
        start: the first choices; the numbers of chips and images stay.

    Attributes:
        controls: by the names of `Choices`; with "as_measured", sigma_d is the measured one, and
            the time can be moved.
        other_chips: a button that goes to the next population of chips.
        picture: of `choices`, PNG.
        view: all of them.

    Raises:
        ValueError: a package of the extra `notebooks` is missing, or a control has no place for
            a value.
    """

    def __init__(self, start: Choices) -> None:
        one_of(CLIPS.values(), clip=start.clip)
        one_of(BITS.values(), converter_bits=start.converter_bits)
        one_of([None, *times(start.device)], time_s=start.time_s)
        if start.size > LARGEST_SIGMA_D:
            raise ValueError(f"sigma_d must be at most {LARGEST_SIGMA_D}, got {start.size}")
        widgets = _ipywidgets()
        self._following = False
        self.controls = _controls(widgets, start)
        self.other_chips = widgets.Button(description="Other chips", icon="refresh")
        self.picture = widgets.Image(format="png", layout={"max_width": "100%"})
        self._offer_times(start.time_s)
        self.choices = replace(start, **self._chosen())
        self._draw()
        for control in self.controls.values():
            control.observe(self._changed, "value")
        self.other_chips.on_click(self._next_population)
        rows = [*self.controls.values(), self.other_chips]
        columns = [widgets.VBox(rows[:4]), widgets.VBox(rows[4:])]
        self.view = widgets.VBox([widgets.HBox(columns), self.picture])

    def _repr_mimebundle_(self, **settings: Any) -> Any:
        return self.view._repr_mimebundle_(**settings)

    def _changed(self, change: Any) -> None:
        """Draw what the controls say; a control that follows another one is not a change."""
        if self._following:
            return
        self._following = True
        try:
            if change["owner"] is self.controls["device"]:
                self._offer_times(None)
            self.choices = replace(self.choices, **self._chosen())
            self._draw()
        finally:
            self._following = False

    def _chosen(self) -> dict[str, Any]:
        values = {name: control.value for name, control in self.controls.items()}
        if values.pop("as_measured"):
            values["sigma_d"] = None
        chosen = {
            "clip": CLIPS[values["clip"]],
            "converter_bits": BITS[values["converter_bits"]],
            "time_s": self._times[values["time_s"]],
        }
        return values | chosen

    def _next_population(self, _: Any) -> None:
        self.choices = replace(self.choices, population=self.choices.population + 1)
        self._draw()

    def _offer_times(self, time_s: float | None) -> None:
        """Offer the times and the size that were measured on the chosen device, if they were."""
        control, device = self.controls["time_s"], self.controls["device"].value
        self._times: dict[str, float | None] = {f"{time:g} s": time for time in times(device)}
        self._times = self._times or {"not measured": None}
        control.options = list(self._times)
        control.index = len(self._times) - 1 if time_s is None else times(device).index(time_s)
        if _measured_size(device, None) is None:
            self.controls["as_measured"].value = False

    def _draw(self) -> None:
        from neft.figures import exploration as figures  # seaborn is in the extra `notebooks`

        choices, controls = self.choices, self.controls
        controls["sigma_d"].value = choices.size
        controls["sigma_d"].disabled = choices.sigma_d is None
        controls["as_measured"].disabled = _measured_size(choices.device, None) is None
        controls["time_s"].disabled = choices.sigma_d is not None or len(times(choices.device)) < 2
        shown, buffer = explore(choices), BytesIO()
        figure = figures.draw_exploration(**vars(shown), title=title(choices))
        figure.savefig(buffer, format="png", dpi=figures.DPI)
        self.picture.value = buffer.getvalue()


def title(choices: Choices) -> str:
    """Write choices in two lines.

    >>> print(title(Choices("vgg8_mnist5k_ovf", "RRAM_B", 0.1, time_s=1e4, clip=2)))
    vgg8_mnist5k_ovf on RRAM_B after 10000 s, σ_d = 0.100 (measured: 0.055)
    weights clipped at 2 standard deviations, exact signals, population 0 of chips
    """
    after = "" if choices.time_s is None else f" after {choices.time_s:g} s"
    size = _measured_size(choices.device, choices.time_s)
    measured = "" if size is None else f" (measured: {size:.3f})"
    clip = "" if choices.clip is None else f"clipped at {choices.clip:g} standard deviations"
    bits = choices.converter_bits
    converters = "exact signals" if bits is None else f"converters of {bits} bits"
    return (
        f"{choices.network} on {choices.device}{after}, σ_d = {choices.size:.3f}{measured}\n"
        f"weights {clip or 'as trained'}, {converters}, population {choices.population} of chips"
    )


def _measured_size(device: str, time_s: float | None) -> float | None:
    return getattr(hardware_at(device, time_s).variation, "sigma_d_measured", None)


def _ipywidgets() -> Any:
    try:
        import ipywidgets
    except ImportError as error:
        raise ValueError("explorer needs ipywidgets: pip install 'neft[notebooks]'") from error
    return ipywidgets


def _controls(widgets: Any, start: Choices) -> dict[str, Any]:
    """Make the controls, by the names of `Choices`, with the values to start from."""

    def made(kind: str, description: str, **settings: Any) -> Any:
        settings |= {"style": {"description_width": "12em"}, "layout": {"width": "31em"}}
        return getattr(widgets, kind)(description=description, **settings)

    def among(description: str, labels: Mapping[str, Any], value: Any) -> Any:
        place = list(labels.values()).index(value)
        return made("SelectionSlider", description, options=list(labels), index=place)

    devices = [(f"{n} ({'published' if n in PRESETS else 'measured'})", n) for n in MODEL_NAMES]
    range_ = {"min": 0.0, "max": LARGEST_SIGMA_D, "step": 0.005, "readout_format": ".3f"}
    return {
        "network": made("Dropdown", "Network", options=networks(), value=start.network),
        "device": made("Dropdown", "Device", options=devices, value=start.device),
        "sigma_d": made("FloatSlider", "σ_d", value=start.size, **range_),
        "as_measured": made("Checkbox", "σ_d as measured", value=start.sigma_d is None),
        "time_s": among("Since programming", {"": None}, None),
        "clip": among("Clip weights at", CLIPS, start.clip),
        "converter_bits": among("Converters", BITS, start.converter_bits),
    }
