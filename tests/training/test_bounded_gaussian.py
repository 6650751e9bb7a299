"""Laws of bounded errors: their moments, their bounds, and the draws they share."""

import math

import pytest
import torch
from scipy import stats

from neft._utils.seeding import generator
from neft.devices import PRESETS
from neft.training.bounded_gaussian import BoundedGaussian

N, SIGMA = 200_000, 1.0


def drawn(bound: float, *about) -> torch.Tensor:
    model = BoundedGaussian.of(PRESETS["RRAM1"], bound, *about)
    zeros = torch.zeros(N, dtype=torch.float64)
    return model.sample(zeros, SIGMA, generator=generator("bounded")) / SIGMA


@pytest.mark.parametrize("bound", [-0.5, 0.0, 1.0, 2.5, 40.0])
def test_right_censored_moments_match_their_closed_forms(bound: float) -> None:
    """Mean c (1 - Phi) - phi, second moment Phi - c phi + c^2 (1 - Phi); sampled 200,000 times."""
    n, sigma, errors = N, SIGMA, SIGMA * drawn(bound)
    above, density = stats.norm.sf(bound), stats.norm.pdf(bound)
    mean = bound * above - density
    deviation = math.sqrt(1 - above - bound * density + bound**2 * above - mean**2)
    assert errors.max() <= bound * sigma + 1e-12
    assert errors.mean().item() == pytest.approx(sigma * mean, abs=5 * sigma * deviation / n**0.5)
    fourth = ((errors / sigma - mean) ** 4).mean().item()
    standard_error = math.sqrt((fourth - deviation**4) / n) / (2 * deviation)
    assert errors.std().item() == pytest.approx(sigma * deviation, abs=5 * sigma * standard_error)


def test_right_censored_errors_scale_with_the_level_and_keep_the_draw() -> None:
    u = torch.tensor([0.1, 0.5, 0.9]).repeat(1000)
    plain = PRESETS["RRAM4"].sample(u, 0.1, generator=generator("same"))
    cut = BoundedGaussian.of(PRESETS["RRAM4"], 0.5).sample(u, 0.1, generator=generator("same"))
    torch.testing.assert_close(cut, torch.minimum(plain, 0.5 * PRESETS["RRAM4"].spread(u, 0.1)))


@pytest.mark.parametrize("bound", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("sides", ["right", "both"])
def test_truncated_errors_are_a_normal_within_the_bound(bound: float, sides: str) -> None:
    errors = drawn(bound, sides, True)
    low = -bound if sides == "both" else -math.inf
    expected = stats.truncnorm(low, bound)
    assert low <= errors.min() and errors.max() <= bound
    assert stats.kstest(errors[:20_000].numpy(), expected.cdf).pvalue > 0.001
    assert errors.mean().item() == pytest.approx(expected.mean(), abs=5 * expected.std() / N**0.5)


def test_censored_on_both_sides_the_draw_is_kept_within_them() -> None:
    plain = drawn(50.0)
    assert torch.equal(drawn(1.5, "both"), plain.clamp(-1.5, 1.5))


@pytest.mark.parametrize("truncated", [False, True])
def test_without_its_bias_the_error_has_mean_zero_and_the_same_shape(truncated: bool) -> None:
    plain, unbiased = drawn(0.5, "right", truncated), drawn(0.5, "right", truncated, True)
    assert plain.mean() < -0.1
    assert unbiased.mean().item() == pytest.approx(0, abs=5 / N**0.5)
    torch.testing.assert_close(unbiased - unbiased.mean(), plain - plain.mean())
    assert torch.equal(drawn(0.5, "both", truncated, True), drawn(0.5, "both", truncated))


def test_truncated_single_precision_errors_are_finite() -> None:
    model = BoundedGaussian.of(PRESETS["RRAM1"], 2.0, "right", True)
    errors = model.sample(torch.zeros(1 << 25), 1.0, generator=generator("finite"))
    assert errors.isfinite().all()
