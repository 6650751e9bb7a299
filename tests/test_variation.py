"""Laws of the variation models."""

import json
import math

import pytest
import torch

from neft import variation
from neft.presets import PRESETS
from neft.seeding import generator
from neft.variation import MeasuredGaussian, PolynomialGaussian

# Level sigmas of two-bit cells at sigma_d = 0.01, as published (arXiv 2305.14561).
PUBLISHED = {
    "RRAM1": (0.0100, 0.0100, 0.0100, 0.0100),
    "FeFET2": (0.0067, 0.0135, 0.0135, 0.0067),
    "FeFET3": (0.0049, 0.0146, 0.0146, 0.0049),
    "RRAM4": (0.0038, 0.0151, 0.0151, 0.0038),
    "FeFET6": (0.0026, 0.0155, 0.0155, 0.0026),
}
LEVEL_CONDUCTANCES = torch.tensor([0, 1 / 3, 2 / 3, 1], dtype=torch.float64)
STAIRS = MeasuredGaussian("stairs", "made up", 1.0, g=(0.1, 0.5, 0.9), sigma=(0.01, 0.03, 0.02))
MODELS = [*PRESETS.values(), STAIRS]


@pytest.mark.parametrize("name", PUBLISHED)
def test_ratio_presets_have_the_published_level_sigmas(name: str) -> None:
    sigma = 0.01 * PRESETS[name].spread(LEVEL_CONDUCTANCES).expand(4)
    expected = torch.tensor(PUBLISHED[name], dtype=torch.float64)
    torch.testing.assert_close(sigma, expected, atol=5.1e-5, rtol=0)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
@pytest.mark.parametrize("u", [0.0, 0.2, 0.5, 0.7, 1.0])
def test_sampled_errors_have_mean_zero_and_the_spread_within_their_standard_errors(
    model: variation.VariationModel, u: float
) -> None:
    n, sigma_d = 200_000, 0.2
    place = torch.full((n,), u, dtype=torch.float64)
    sigma = sigma_d * model.spread(place).expand(n)[0].item()
    errors = model.sample(place, sigma_d, generator=generator("spread", model.name, u))
    assert abs(errors.mean().item()) < 4 * sigma / math.sqrt(n)
    assert abs(errors.std().item() - sigma) < 4 * sigma / math.sqrt(2 * n)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_same_generator_state_gives_the_same_bits(model: variation.VariationModel) -> None:
    u = torch.rand(100, generator=generator("u"))
    first, second = (model.sample(u, 0.1, generator=generator("bits")) for _ in range(2))
    assert torch.equal(first, second)


def test_measured_spread_meets_the_levels_is_linear_between_and_flat_outside() -> None:
    rms = math.sqrt((0.01**2 + 0.03**2 + 0.02**2) / 3)
    u = torch.tensor([0.0, 0.1, 0.2, 0.5, 0.7, 0.9, 1.0], dtype=torch.float64)
    expected = torch.tensor([0.01, 0.01, 0.015, 0.03, 0.025, 0.02, 0.02], dtype=torch.float64)
    torch.testing.assert_close(STAIRS.spread(u), expected / rms, rtol=1e-3, atol=0)


def test_shape_of_the_spread_has_root_mean_square_one_over_the_levels() -> None:
    spread = STAIRS.spread(torch.tensor(STAIRS.g))
    assert spread.pow(2).mean().item() == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_json_brings_back_an_equal_model(model: variation.VariationModel, tmp_path) -> None:
    variation.save(model, tmp_path / "model.json")
    assert variation.load(tmp_path / "model.json") == model


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ("{}", "kind must be one of"),
        ('{"kind": "wiggly"}', "got 'wiggly'"),
        ('{"kind": "ratio_gaussian", "name": "x", "source": "", "ratio": 0}', "must be positive"),
        ('{"kind": "ratio_gaussian", "name": "x", "source": ""}', "ratio"),
        ('{"kind": "ratio_gaussian", "name": "x", "source": "", "ratio": 1, "s": 2}', "'s'"),
        ("[1]", "not a variation model"),
    ],
)
def test_bad_model_files_say_file_and_fault(text: str, said: str, tmp_path) -> None:
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"model\.json") as caught:
        variation.load(path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"g": (0.5, 0.1, 0.9)}, "g must increase"),
        ({"g": (0.1, 0.5, 1.2)}, "g must increase"),
        ({"sigma": (0.01, 0.0, 0.02)}, "sigma must be positive"),
        ({"sigma": (0.01, math.nan, 0.02)}, "sigma must be positive"),
        ({"sigma": (0.01, 0.02)}, "same length"),
    ],
)
def test_measured_model_refuses_bad_levels(change: dict, said: str) -> None:
    good = json.loads(json.dumps(variation.to_dict(STAIRS)))
    with pytest.raises(ValueError, match=said):
        variation.from_dict({**good, **change})


# sigma in uS at some conductances in uS, worked out by hand from the published polynomials.
FITS = {
    "PCM": {0: 0.26348, 12.5: 0.26348 + 0.9825 - 0.293275, 25: 1.05538},
    "RRAM_Milo": {50: 4.782321 - 0.45535, 225: 4.782321 - 2.049075},
    "RRAM_Wan": {0: 1.053, 10: 1.053 + 2.374 - 1.167 + 0.1536},
    "PCM_Joshi": {0: 0.28638599, 10: 0.28638599 + 0.7585724 - 0.178767},
}


@pytest.mark.parametrize("name", FITS)
def test_published_fits_have_their_spread_at_their_own_size(name: str) -> None:
    model = PRESETS[name]
    width = model.high_uS - model.low_uS
    for conductance, sigma in FITS[name].items():
        assert model.sigma_uS(conductance) == pytest.approx(sigma)
        u = torch.tensor([(conductance - model.low_uS) / width], dtype=torch.float64)
        found = model.sigma_d_measured * model.spread(u).item() * width
        assert found == pytest.approx(sigma)


@pytest.mark.parametrize("name", FITS)
def test_published_fits_say_nothing_outside_their_range(name: str) -> None:
    model = PRESETS[name]
    for conductance in (model.low_uS - 0.1, model.high_uS + 0.1):
        with pytest.raises(ValueError, match=f"conductance_uS of {name} must be in"):
            model.sigma_uS(conductance)


@pytest.mark.parametrize("name", FITS)
def test_size_of_a_published_fit_is_its_root_mean_square(name: str) -> None:
    u = torch.linspace(0, 1, 100_001, dtype=torch.float64)
    assert PRESETS[name].spread(u).pow(2).mean().sqrt().item() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(
    ("low", "high", "coefficients", "said"),
    [
        (5.0, 5.0, (1.0,), "low_uS must be below high_uS"),
        (-1.0, 5.0, (1.0,), "low_uS must be below high_uS"),
        (0.0, 5.0, (1.0, -0.5), "sigma must be positive"),
    ],
)
def test_fit_that_cannot_be_is_refused(low, high, coefficients, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PolynomialGaussian("bad", "", coefficients, low, high)
