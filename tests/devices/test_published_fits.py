"""Laws of published fits of the spread."""

import math

import pytest
import torch

from neft.devices import PRESETS, VariationModel, model_files

# sigma in uS at some conductances in uS, computed by hand from the published formulas.
FITS = {
    "PCM": {0: 0.26348, 12.5: 0.26348 + 0.9825 - 0.293275, 25: 1.05538},
    "RRAM_Milo": {50: 4.782321 - 0.45535, 225: 4.782321 - 2.049075},
    "RRAM_Wan": {0: 1.053, 10: 1.053 + 2.374 - 1.167 + 0.1536},
    "PCM_Joshi": {0: 0.28638599, 10: 0.28638599 + 0.7585724 - 0.178767},
    "PCM_64core": {
        0: 2.579741,
        50: 2.579741 + 11.209843 - 9.289530 + 3.674689,
        100: 2.110296 + 24.534871 - 30.549934 + 12.329755,
        180: 2.110296 + 44.162768 - 98.981786 + 71.907134,
    },
    "SONOS": {0: 0.0, 1.763115: 0.1988665 * (1 - math.exp(-1)), 16: 0.1988438},
}


@pytest.mark.parametrize("name", FITS)
def test_published_fits_have_their_spread_at_their_own_size(name: str) -> None:
    model = PRESETS[name]
    width = model.high_uS - model.low_uS
    for conductance, sigma in FITS[name].items():
        assert model.sigma_uS(conductance) == pytest.approx(sigma, rel=1e-6)
        u = torch.tensor([(conductance - model.low_uS) / width], dtype=torch.float64)
        found = model.sigma_d_measured * model.spread(u).item() * width
        assert found == pytest.approx(sigma, rel=1e-6)


@pytest.mark.parametrize("name", FITS)
def test_published_fits_refuse_conductances_outside_their_range(name: str) -> None:
    model = PRESETS[name]
    for conductance in (model.low_uS - 0.1, model.high_uS + 0.1):
        with pytest.raises(ValueError, match=f"conductance_uS of {name} must be in"):
            model.sigma_uS(conductance)


@pytest.mark.parametrize("name", FITS)
def test_size_of_a_published_fit_is_its_root_mean_square(name: str) -> None:
    u = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    assert PRESETS[name].spread(u).pow(2).mean().sqrt().item() == pytest.approx(1, rel=1e-4)


def test_two_polynomials_meet_at_their_edge_and_the_first_one_holds_there() -> None:
    model = PRESETS["PCM_64core"]
    below, edge, above = (model.sigma_uS(52.5 + step) for step in (-1e-9, 0, 1e-9))
    assert edge == pytest.approx(below, abs=1e-9)
    assert above == pytest.approx(edge, rel=1e-3) and abs(above - edge) > 1e-3


@pytest.mark.parametrize(
    ("model", "change", "said"),
    [
        (PRESETS["PCM"], {"low_uS": 25.0}, "low_uS must be below high_uS"),
        (PRESETS["PCM"], {"low_uS": -1.0}, "low_uS must be below high_uS"),
        (PRESETS["PCM"], {"coefficients": (1.0, -0.5)}, "sigma must be positive"),
        (PRESETS["PCM_64core"], {"edges_uS": ()}, "edges_uS must be one fewer than pieces"),
        (PRESETS["PCM_64core"], {"edges_uS": (180.0,)}, "edges_uS must increase inside the range"),
        (PRESETS["PCM_64core"], {"pieces": ((1.0,), (-1.0,))}, "sigma must be positive"),
        (PRESETS["SONOS"], {"scale_uS": 0.0}, "scale_uS must be positive"),
        (PRESETS["SONOS"], {"limit_uS": -1.0}, "limit_uS must be positive"),
    ],
)
def test_impossible_values_of_a_fit_are_refused(
    model: VariationModel, change: dict, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        model_files.from_dict({**model_files.to_dict(model), **change})
