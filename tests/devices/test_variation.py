"""Laws of the variation models."""

import math
from dataclasses import replace

import pytest
import torch
from helpers.variation import DRIFTING, STAIRS

from neft._utils.seeding import generator
from neft.devices import PRESETS, MeasuredQuantiles, RatioGaussian, VariationModel, model_files
from neft.devices.variation import is_middle

# Level sigmas of two-bit cells at sigma_d = 0.01, as published (arXiv 2305.14561).
PUBLISHED = {
    "RRAM1": (0.0100, 0.0100, 0.0100, 0.0100),
    "FeFET2": (0.0067, 0.0135, 0.0135, 0.0067),
    "FeFET3": (0.0049, 0.0146, 0.0146, 0.0049),
    "RRAM4": (0.0038, 0.0151, 0.0151, 0.0038),
    "FeFET6": (0.0026, 0.0155, 0.0155, 0.0026),
}
LEVEL_CONDUCTANCES = torch.tensor([0, 1 / 3, 2 / 3, 1], dtype=torch.float64)
MODELS = [*(model for model in PRESETS.values() if model.symmetric), STAIRS]
SHIFTED = [PRESETS["PCM_drift"], DRIFTING]


@pytest.mark.parametrize("name", PUBLISHED)
def test_ratio_presets_have_the_published_level_sigmas(name: str) -> None:
    sigma = 0.01 * PRESETS[name].spread(LEVEL_CONDUCTANCES).expand(4)
    expected = torch.tensor(PUBLISHED[name], dtype=torch.float64)
    torch.testing.assert_close(sigma, expected, atol=5.1e-5, rtol=0)


def test_middle_conductances_lie_strictly_between_a_quarter_and_three_quarters() -> None:
    u = torch.tensor([0.0, 0.25, 0.26, 0.5, 0.74, 0.75, 1.0], dtype=torch.float64)
    assert is_middle(u).tolist() == [0, 0, 1, 1, 1, 0, 0]
    spread = RatioGaussian("half", "", ratio=0.5).spread(u, 2.0)
    torch.testing.assert_close(spread, 2 * (1 - is_middle(u) / 2) / math.sqrt(0.4 * 0.25 + 0.6))


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
@pytest.mark.parametrize("u", [0.0, 0.2, 0.5, 0.7, 1.0])
def test_sampled_errors_have_mean_zero_and_the_spread_within_their_standard_errors(
    model: VariationModel, u: float
) -> None:
    n, sigma_d = 200_000, 0.2
    place = torch.full((n,), u, dtype=torch.float64)
    sigma = sigma_d * model.spread(place).expand(n)[0].item()
    errors = model.sample(place, sigma_d, generator=generator("spread", model.name, u))
    assert abs(errors.mean().item()) <= 4 * sigma / math.sqrt(n)  # SONOS at 0: 0 <= 0
    assert abs(errors.std().item() - sigma) <= 4 * sigma / math.sqrt(2 * n)


@pytest.mark.parametrize("model", [*MODELS, *SHIFTED], ids=lambda m: m.name)
def test_same_generator_state_gives_the_same_bits(model: VariationModel) -> None:
    u = torch.rand(100, generator=generator("u"))
    first, second = (model.sample(u, 0.1, generator=generator("bits")) for _ in range(2))
    assert torch.equal(first, second)


def test_measured_spread_is_that_of_the_levels_linear_between_and_constant_outside() -> None:
    rms = math.sqrt((0.01**2 + 0.03**2 + 0.02**2) / 3)
    u = torch.tensor([0.0, 0.1, 0.2, 0.5, 0.7, 0.9, 1.0], dtype=torch.float64)
    expected = torch.tensor([0.01, 0.01, 0.015, 0.03, 0.025, 0.02, 0.02], dtype=torch.float64)
    torch.testing.assert_close(STAIRS.spread(u), expected / rms, rtol=1e-3, atol=0)


@pytest.mark.parametrize("model", [*MODELS, *SHIFTED], ids=lambda m: m.name)
def test_a_saved_model_loads_as_an_equal_model(model: VariationModel, tmp_path) -> None:
    model_files.save(model, tmp_path / "model.json")
    assert model_files.load(tmp_path / "model.json") == model


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ("{}", "kind must be one of"),
        ('{"kind": "wiggly"}', "got 'wiggly'"),
        ('{"kind": "ratio_gaussian", "name": "x", "source": "", "ratio": 0}', "must be positive"),
        ('{"kind": "ratio_gaussian", "name": "x", "source": ""}', "ratio"),
        (
            '{"kind": "ratio_gaussian", "name": "x", "source": "", "ratio": 1, "s": 2}',
            "s: unknown key",
        ),
        (
            '{"kind": "ratio_gaussian", "name": "x", "source": "", "ratio": true}',
            "ratio: .*got True",
        ),
        ('{"kind": "ratio_gaussian", "name": "x", "source": "", "ratio": "1"}', "ratio: .*got '1'"),
        (
            '{"kind": "ratio_gaussian", "name": "x", "source": "", "ratio": NaN}',
            "positive.*got nan",
        ),
        ('{"kind": "ratio_gaussian", "name": "x", "source": "", "ratio": 1e999}', "positive.*inf"),
        ('{"kind": "ratio_gaussian", "name": 5, "source": "", "ratio": 1}', "name: .*got 5"),
        ('{"kind": ["ratio_gaussian"]}', r"kind must be one of .*got \['ratio_gaussian'\]"),
        ('{"kind": {}}', "kind must be one of"),
        ("[1]", r"must be an object, got \[1\]"),
        ("null", "must be an object, got None"),
        ("[" * 100_000, "not a variation model: .*recursion"),
        ('"' + "x" * 10_000 + '"', "must be an object"),
        ("\udcff", "not a variation model: .*decode"),
    ],
)
def test_errors_of_bad_model_files_name_file_and_fault(text: str, said: str, tmp_path) -> None:
    path = tmp_path / "model.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(ValueError, match=rf"^{path}: .*{said}") as caught:
        model_files.load(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1100


FIVE = (0.0,) * 5


@pytest.mark.parametrize(
    ("model", "change", "said"),
    [
        (STAIRS, {"g": (0.5, 0.1, 0.9)}, "g must increase"),
        (STAIRS, {"g": (0.1, 0.5, 1.2)}, "g must increase"),
        (STAIRS, {"sigma": (0.01, 0.0, 0.02)}, "sigma must be positive"),
        (STAIRS, {"sigma": (0.01, math.nan, 0.02)}, "sigma must be positive"),
        (STAIRS, {"sigma": (0.01, 0.02)}, "same length"),
        (DRIFTING, {"g": (0.9, 0.1)}, "g must increase"),
        (DRIFTING, {"probabilities": (0.0, 0.25, 0.5, 0.75, 0.99)}, "probabilities must increase"),
        (DRIFTING, {"quantiles": ((0.1,) * 5,)}, "quantiles must have one row"),
        (DRIFTING, {"quantiles": (FIVE, FIVE)}, "not all be 0"),
        (DRIFTING, {"quantiles": ((0.1, 0.0, 0.1, 0.1, 0.1), FIVE)}, "not decrease"),
        (DRIFTING, {"correlations": (1.1,), "draws": 2}, r"correlations must be in \[-1, 1\], got"),
        (DRIFTING, {"correlations": (0.5,)}, "draws must be at least 2, got 1"),
    ],
)
def test_impossible_values_of_a_model_are_refused(
    model: VariationModel, change: dict, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        model_files.from_dict({**model_files.to_dict(model), **change})


def drawn(model: VariationModel, u: float, n: int = 200_000) -> torch.Tensor:
    """Sample errors at the measured size."""
    place = torch.full((n,), u, dtype=torch.float64)
    return model.sample(place, model.sigma_d_measured, generator=generator("drawn", u))


@pytest.mark.parametrize(("u", "row"), [(0.1, (1.0, 0.0)), (0.5, (0.5, 0.5)), (0.9, (0.0, 1.0))])
def test_sampled_quantiles_are_the_tabulated_ones(u: float, row: tuple[float, float]) -> None:
    """Shares below each quantile, within four standard errors sqrt(p (1 - p) / n)."""
    errors, n = drawn(DRIFTING, u), 200_000
    table = torch.tensor(DRIFTING.quantiles, dtype=torch.float64)
    expected = (torch.tensor(row, dtype=torch.float64)[:, None] * table).sum(0)
    for p, value in list(zip(DRIFTING.probabilities, expected.tolist(), strict=True))[1:-1]:
        below = (errors <= value).double().mean().item()
        assert abs(below - p) < 4 * math.sqrt(p * (1 - p) / n) + 1 / 4096


def test_tails_beyond_the_outermost_quantiles_are_cut() -> None:
    errors = drawn(DRIFTING, 0.1)
    assert (errors.min().item(), errors.max().item()) == pytest.approx((-0.02, 0.1), rel=0.01)


def test_measured_error_has_its_mean_and_spread_in_units_of_its_size() -> None:
    errors = drawn(DRIFTING, 0.9)
    u = torch.tensor([0.9], dtype=torch.float64)
    sigma = DRIFTING.sigma_d_measured * DRIFTING.spread(u).item()
    assert errors.std().item() == pytest.approx(sigma, rel=0.02)
    assert errors.mean().item() < -sigma / 4


def test_sigma_d_scales_the_whole_error() -> None:
    u = torch.rand(100, generator=generator("u"), dtype=torch.float64)
    small, large = (DRIFTING.sample(u, s, generator=generator("z")) for s in (0.1, 0.2))
    torch.testing.assert_close(2 * small, large)


def scores(model: MeasuredQuantiles, n: int = 100_000) -> torch.Tensor:
    """Return the normal scores that devices draw, from a model whose errors are the ranks."""
    u = torch.full((n,), 0.5, dtype=torch.float64)
    error = model.sample(u, model.sigma_d_measured, generator=generator("ages"))
    return torch.special.ndtri(error.clamp(1e-4, 1 - 1e-4))


def test_normal_scores_of_a_chip_are_correlated_in_time_as_given() -> None:
    """Times 0 and 1: r; times 0 and 2: the product, as in a Markov chain."""
    p = tuple((torch.arange(1, 1000) / 1000).tolist())
    ranks = MeasuredQuantiles("ranks", "", 1.0, (0.0, 1.0), p, (p, p), draws=3)
    chain = [replace(ranks, correlations=(0.6, 0.3)[:i]) for i in range(3)]
    first, second, third = map(scores, chain)
    tolerance = 4 / math.sqrt(len(first))
    for z in (first, second, third):
        assert z.mean().abs() < tolerance
        assert (z.std() - 1).abs() < 2 * tolerance
    for a, b, r in ((first, second, 0.6), (second, third, 0.3), (first, third, 0.18)):
        assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1].item() - r) < tolerance


def test_all_times_leave_the_generator_in_the_same_state() -> None:
    """So the second tensor of a chip keeps its ranks in time, like the first."""
    chain = [replace(DRIFTING, correlations=(0.5, 0.5)[:i], draws=3) for i in range(3)]
    u, draws = torch.rand(10, generator=generator("u")), [generator("state") for _ in chain]
    for model, draw in zip(chain, draws, strict=True):
        model.sample(u, 0.1, generator=draw)
    first, *others = (draw.get_state() for draw in draws)
    assert all(torch.equal(first, other) for other in others)
