"""Laws of quantisers: the nearest level, the gradient inside the range, a range that is learned."""

import pytest
import torch
from helpers.quantiser import slow

from neft._utils.seeding import generator
from neft.chip import quantise
from neft.chip.quantising import quantise_learning

DOUBLE = torch.float64


@pytest.mark.parametrize(("bits", "bound"), [(2, 1.0), (3, 0.7), (8, 13.0)])
def test_a_quantiser_takes_the_nearest_of_its_levels(bits: int, bound: float) -> None:
    draw = torch.randn(500, generator=generator("signal"), dtype=DOUBLE) * bound
    expected = [slow(x, bits, bound) for x in draw.tolist()]
    found = quantise(draw, bits, bound)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=DOUBLE))
    assert len(found.unique()) <= 2**bits - 1
    assert found.max() == -found.min() == pytest.approx(bound)


@pytest.mark.parametrize("bits", [2, 4, 12])
def test_a_quantiser_is_odd_and_leaves_its_levels_alone(bits: int) -> None:
    draw = torch.randn(500, generator=generator("signal"))
    found = quantise(draw, bits, 1.3)
    assert torch.equal(quantise(-draw, bits, 1.3), -found)
    assert torch.equal(quantise(found, bits, 1.3), found)
    assert not quantise(torch.zeros(1), bits, 1.3).any()


def test_the_gradient_is_one_inside_and_zero_outside_of_the_range() -> None:
    signal = torch.tensor([-2.1, -2.0, -0.3, 0.0, 1.9, 2.0, 2.1], requires_grad=True)
    factor = torch.arange(1.0, 8.0)
    (quantise(signal, 4, 2.0) * factor).sum().backward()
    inside = torch.tensor([0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    assert torch.equal(signal.grad, factor * inside)


def test_a_quantiser_keeps_what_is_not_a_number() -> None:
    assert quantise(torch.tensor(float("nan")), 4, 1.0).isnan()


def learned(signal: torch.Tensor, bound: float, decay: float, inside: float) -> tuple[float, ...]:
    """Return the gradient of the bound for a weighted sum of the outputs, and that of a loop."""
    r = torch.tensor(bound, dtype=DOUBLE, requires_grad=True)
    x = signal.clone().requires_grad_()
    factors = torch.randn(signal.shape, generator=generator("factors"), dtype=DOUBLE)
    found = quantise_learning(x, 4, r, decay=decay, inside=inside)
    (found * factors).sum().backward()
    assert torch.equal(found, quantise(signal, 4, bound))
    assert torch.equal(x.grad, factors * (signal.abs() <= bound))
    pull, clipped = 0.0, 0
    for value, gradient in zip(signal.flatten().tolist(), factors.flatten().tolist(), strict=True):
        if value >= bound:
            pull += min(gradient, 0.0)
        elif value <= -bound:
            pull -= max(gradient, 0.0)
        clipped += abs(value) >= bound
    if 1 - clipped / signal.numel() > inside:
        pull += decay
    return r.grad.item(), bound * pull


@pytest.mark.parametrize("bound", [0.5, 1.5, 2.5])
@pytest.mark.parametrize("inside", [0.0, 0.95, 1.0])
def test_a_learned_bound_has_the_gradient_of_a_loop(bound: float, inside: float) -> None:
    signal = torch.randn(20, 30, generator=generator("signal"), dtype=DOUBLE)
    found, expected = learned(signal, bound, 0.01, inside)
    assert found == pytest.approx(expected)
    assert expected < 0, "clipped values widen the range"


def test_without_clipped_values_a_learned_bound_decays_alone() -> None:
    signal = torch.linspace(-1, 1, 50, dtype=DOUBLE)
    assert learned(signal, 2.0, 0.01, 0.95) == pytest.approx((0.02, 0.02))
    assert learned(signal, 2.0, 0.0, 0.95) == (0, 0)
