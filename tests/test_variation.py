"""Laws of the variation models."""

import json
import math

import pandas as pd
import pytest
import torch

from neft import variation
from neft.embedded import LEVELS
from neft.measurements import read_level_table
from neft.seeding import generator
from neft.variation import PRESETS, MeasuredGaussian, RatioGaussian

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


def level_rows(sigma: list[float], n: int = 500) -> pd.DataFrame:
    g = [(i + 0.5) / len(sigma) for i in range(len(sigma))]
    return pd.DataFrame(
        {"technology": "X", "time_s": 1.0, "g": g, "std": sigma, "n": [n] * len(sigma)}
    )


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_the_published_level_sigmas(name: str) -> None:
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
    torch.testing.assert_close(STAIRS.spread(u), expected / rms)


def test_at_its_measured_sigma_d_the_model_is_the_measurement() -> None:
    levels = read_level_table(LEVELS)
    rows = levels[(levels.technology == "RRAM_B") & (levels.time_s == 1e4)]
    model = variation.from_levels(levels, "RRAM_B", 1e4)
    u = torch.tensor(rows.g.to_numpy())
    sigma = model.sigma_d_measured * model.spread(u)
    torch.testing.assert_close(sigma, torch.tensor(rows["std"].to_numpy()))


def test_shape_of_the_spread_has_root_mean_square_one_over_the_levels() -> None:
    assert STAIRS.spread(torch.tensor(STAIRS.g)).pow(2).mean().item() == pytest.approx(1)


def test_ratio_fit_recovers_ratio_and_size() -> None:
    truth = RatioGaussian("truth", "", ratio=3)
    g = torch.tensor([(i + 0.5) / 32 for i in range(32)], dtype=torch.float64)
    model, sigma_d = variation.fit_ratio(level_rows((0.05 * truth.spread(g)).tolist()))
    assert (model.ratio, sigma_d) == pytest.approx((3, 0.05))


def test_constant_fit_pools_variances_by_degrees_of_freedom() -> None:
    rows = level_rows([0.01, 0.03]).assign(n=[11, 31])
    _, sigma_d = variation.fit_constant(rows)
    assert sigma_d == pytest.approx(math.sqrt((10 * 0.01**2 + 30 * 0.03**2) / 40))


def test_ratio_fit_needs_both_zones() -> None:
    with pytest.raises(ValueError, match="outer zone"):
        variation.fit_ratio(level_rows([0.01, 0.02, 0.01, 0.01]).query("0.3 < g < 0.7"))


def test_curves_evaluate_each_fit() -> None:
    table = variation.curves({"flat": (PRESETS["RRAM1"], 0.1), "two": (PRESETS["FeFET2"], 0.1)}, 5)
    assert table[table.model == "flat"].sigma.tolist() == pytest.approx([0.1] * 5)
    assert table[table.model == "two"].g.tolist() == [0, 0.25, 0.5, 0.75, 1]


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


@pytest.mark.parametrize(
    ("technology", "time_s", "said"), [("PCM", 1e4, "'PCM'"), ("RRAM_B", 5.0, "got 5.0")]
)
def test_unmeasured_technology_or_time_is_refused(
    technology: str, time_s: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        variation.from_levels(read_level_table(LEVELS), technology, time_s)
