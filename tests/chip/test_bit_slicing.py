"""Laws of the device-level mappings."""

import math

import pytest
import torch

from neft._utils.seeding import generator
from neft.chip import Hardware, program_weight
from neft.devices import PRESETS, MeasuredGaussian, MeasuredQuantiles

BITS = [(8, 1), (8, 2), (8, 4), (6, 2), (4, 4)]
SLOPE = MeasuredGaussian("made", "up", 1.0, g=(0.0, 1.0), sigma=(0.01, 0.05))


def hardware(model=PRESETS["RRAM1"], bits=(8, 2), mapping="sign_bit", **settings) -> Hardware:
    return Hardware(model, *bits, mapping=mapping, **settings)


def weights(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=generator("weights"), dtype=dtype)


@pytest.mark.parametrize("mapping", ["differential", "sign_bit"])
@pytest.mark.parametrize("bits", BITS)
def test_without_error_a_weight_is_quantised_exactly(bits: tuple[int, int], mapping: str) -> None:
    weight = weights(20, 5, 3, 3)
    largest, steps = weight.abs().max(), 2 ** bits[0] - 1
    expected = (weight.abs() / largest * steps).round() / steps * weight.sign() * largest
    chip = program_weight(
        weight, hardware(bits=bits, mapping=mapping), 0.0, generator=generator("any")
    )
    assert torch.equal(chip, expected)


def test_with_many_bits_quantisation_vanishes() -> None:
    weight = weights(50, 40, dtype=torch.float64)
    chip = program_weight(weight, hardware(bits=(32, 4)), 0.0, generator=generator("any"))
    torch.testing.assert_close(chip, weight, rtol=0, atol=1e-8)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize(("mapping", "factor"), [("sign_bit", 1), ("differential", math.sqrt(2))])
def test_spread_with_rram1_is_the_weight_level_formulas(
    bits: tuple[int, int], mapping: str, factor: float
) -> None:
    """A differential pair has twice as many devices: its error is sqrt(2) times as large."""
    weight = weights(200_000, dtype=torch.float64)
    chips = [
        program_weight(weight, hardware(bits=bits, mapping=mapping), s, generator=generator("s"))
        for s in (0.1, 0.0)
    ]
    error = chips[0] - chips[1]
    i = range(bits[0] // bits[1])
    c = math.sqrt(sum(4 ** (k * bits[1]) for k in i)) / sum(2 ** (k * bits[1]) for k in i)
    sigma = factor * weight.abs().max().item() * c * 0.1
    assert abs(error.std().item() - sigma) < 4 * sigma / math.sqrt(2 * len(weight))
    assert abs(error.mean().item()) < 4 * sigma / math.sqrt(len(weight))


@pytest.mark.parametrize("mapping", ["differential", "sign_bit"])
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("model", [PRESETS["RRAM4"], SLOPE], ids=lambda m: m.name)
def test_programming_equals_a_loop_over_devices(model, bits: tuple[int, int], mapping: str) -> None:
    weight = weights(7, 3, dtype=torch.float64)
    fast = program_weight(weight, hardware(model, bits, mapping), 0.1, generator=generator("loop"))
    n, levels = bits[0] // bits[1], 2 ** bits[1]
    draw = generator("loop")
    sets = 2 if mapping == "differential" else 1
    z = [torch.randn(21, generator=draw, dtype=torch.float64) for _ in range(sets * n)]
    largest = weight.abs().max().item()
    for position, w in enumerate(weight.flatten().tolist()):
        value = 0.0
        for side in range(sets):
            q = round(abs(w) / largest * (2 ** bits[0] - 1)) if side == 0 else 0
            for i in range(n):
                g = (q // levels**i) % levels / (levels - 1)
                r = model.spread(torch.tensor([g], dtype=torch.float64)).item()
                read = g + 0.1 * r * z[side * n + i][position].item()
                share = levels**i / sum(levels**k for k in range(n))
                value += (1 if side == 0 else -1) * share * read
        expected = math.copysign(1, w) * largest * value
        assert fast.flatten()[position].item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("mapping", ["weight", "differential", "sign_bit"])
def test_each_channel_may_have_its_own_scale(mapping: str) -> None:
    """From equal draws, rows that differ by a factor have errors that differ by this factor."""
    row = weights(1, 4, 3, 3)
    chip = [
        program_weight(
            torch.cat([factor * row, row]),
            hardware(mapping=mapping, scale="channel"),
            0.1,
            generator=generator("channel"),
        )
        for factor in (1, 1024)
    ]
    torch.testing.assert_close(chip[0][0] * 1024, chip[1][0])
    torch.testing.assert_close(chip[0][1], chip[1][1])


def test_the_gradient_passes_straight_through() -> None:
    weight = weights(4, 3).requires_grad_()
    chip = program_weight(weight, hardware(), 0.1, generator=generator("any"))
    chip.sum().backward()
    assert torch.equal(weight.grad, torch.ones(4, 3))


@pytest.mark.parametrize("mapping", ["differential", "sign_bit"])
def test_the_stuck_levels_have_the_requested_shares(mapping: str) -> None:
    """With one device per weight and equal weights, each weight shows the level of its device."""
    weight, n = torch.full((100_000,), 0.4), 100_000
    weight[0] = 1
    made = hardware(bits=(8, 8), mapping=mapping, stuck_low=0.05, stuck_high=0.02)
    chip = program_weight(weight, made, 0.0, generator=generator("stuck"))
    held = 0.4
    single = {0.0: 0.05, 1.0: 0.02, held: 0.93}
    other = {0.0: 0.98, 1.0: 0.02} if mapping == "differential" else {0.0: 1.0}
    expected: dict[float, float] = {}
    for a, p in single.items():
        for b, q in other.items():
            expected[a - b] = expected.get(a - b, 0) + p * q
    for value, share in expected.items():
        found = (chip - value).abs().lt(1e-3).double().mean().item()
        assert abs(found - share) < 4 * math.sqrt(share * (1 - share) / n), value


def test_a_drift_shrinks_weights_of_both_signs_and_cancels_in_differential_pairs() -> None:
    """Every device loses a tenth of the range, and so does every sum of reads."""
    lost = MeasuredQuantiles(
        "lost", "", 1.0, g=(0.0, 1.0), probabilities=(0.4, 0.6), quantiles=((-0.1, -0.1),) * 2
    )
    weight = torch.tensor([1.0, 0.5, -0.5, -1.0], dtype=torch.float64)
    pair, single, whole = (
        program_weight(
            weight,
            hardware(lost, mapping=mapping, bits=(16, 2)),
            lost.sigma_d_measured,
            generator=generator("any"),
        )
        for mapping in ("differential", "sign_bit", "weight")
    )
    torch.testing.assert_close(whole, weight - 0.1 * weight.sign(), rtol=0, atol=1e-12)
    torch.testing.assert_close(single, weight - 0.1 * weight.sign(), rtol=0, atol=1e-5)
    torch.testing.assert_close(pair, weight, rtol=0, atol=1e-5)
