"""Laws of the device-level mappings."""

import math

import pytest
import torch
from helpers.variation import STAIRS

from neft._utils.seeding import generator
from neft.chip import Hardware, program_weight
from neft.devices import PRESETS, MeasuredQuantiles

BITS = [(8, 1), (8, 2), (8, 4), (6, 2), (4, 4)]


def programmed(weight, sigma_d=0.1, *, key="any", model=PRESETS["RRAM1"], bits=(8, 2), **settings):
    hardware = Hardware(model, *bits, **{"mapping": "sign_bit", **settings})
    return program_weight(weight, hardware, sigma_d, generator=generator(key))


def weights(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=generator("weights"), dtype=dtype)


@pytest.mark.parametrize("mapping", ["differential", "sign_bit"])
@pytest.mark.parametrize("bits", BITS)
def test_without_error_a_weight_is_quantised_exactly(bits: tuple[int, int], mapping: str) -> None:
    weight = weights(20, 5, 3, 3)
    largest, steps = weight.abs().max(), 2 ** bits[0] - 1
    expected = (weight.abs() / largest * steps).round() / steps * weight.sign() * largest
    assert torch.equal(programmed(weight, 0.0, bits=bits, mapping=mapping), expected)


def test_with_many_bits_quantisation_vanishes() -> None:
    weight = weights(50, 40, dtype=torch.float64)
    torch.testing.assert_close(programmed(weight, 0.0, bits=(32, 4)), weight, rtol=0, atol=1e-8)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize(("mapping", "factor"), [("sign_bit", 1), ("differential", math.sqrt(2))])
def test_spread_with_rram1_is_the_weight_level_formulas(
    bits: tuple[int, int], mapping: str, factor: float
) -> None:
    """A differential pair has twice as many devices: its error is sqrt(2) times as large."""
    weight = weights(200_000, dtype=torch.float64)
    noisy, exact = (programmed(weight, s, key="s", bits=bits, mapping=mapping) for s in (0.1, 0.0))
    error = noisy - exact
    i = range(bits[0] // bits[1])
    c = math.sqrt(sum(4 ** (k * bits[1]) for k in i)) / sum(2 ** (k * bits[1]) for k in i)
    sigma = factor * weight.abs().max().item() * c * 0.1
    assert abs(error.std().item() - sigma) < 4 * sigma / math.sqrt(2 * len(weight))
    assert abs(error.mean().item()) < 4 * sigma / math.sqrt(len(weight))


@pytest.mark.parametrize("mapping", ["differential", "sign_bit"])
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("model", [PRESETS["RRAM4"], STAIRS], ids=lambda m: m.name)
def test_programming_equals_a_loop_over_devices(model, bits: tuple[int, int], mapping: str) -> None:
    weight = weights(7, 3, dtype=torch.float64)
    fast = programmed(weight, key="loop", model=model, bits=bits, mapping=mapping)
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
        programmed(torch.cat([factor * row, row]), key="channel", mapping=mapping, scale="channel")
        for factor in (1, 1024)
    ]
    torch.testing.assert_close(chip[0][0] * 1024, chip[1][0])
    torch.testing.assert_close(chip[0][1], chip[1][1])


@pytest.mark.parametrize("mapping", ["differential", "sign_bit"])
def test_the_stuck_levels_have_the_requested_shares(mapping: str) -> None:
    """With one device per weight and equal weights, each weight shows the level of its device."""
    weight, n = torch.full((100_000,), 0.4), 100_000
    weight[0] = 1
    stuck = {"stuck_low": 0.05, "stuck_high": 0.02}
    chip = programmed(weight, 0.0, key="stuck", bits=(8, 8), mapping=mapping, **stuck)
    single = {0.0: 0.05, 1.0: 0.02, 0.4: 0.93}
    other = {0.0: 0.98, 1.0: 0.02} if mapping == "differential" else {0.0: 1.0}
    expected: dict[float, float] = {}
    for a, p in single.items():
        for b, q in other.items():
            expected[a - b] = expected.get(a - b, 0) + p * q
    for value, share in expected.items():
        found = (chip - value).abs().lt(1e-3).double().mean().item()
        assert abs(found - share) < 4 * math.sqrt(share * (1 - share) / n), value


@pytest.mark.parametrize("mapping", ["differential", "sign_bit"])
def test_stuck_devices_leave_the_errors_of_the_others_as_they_are(mapping: str) -> None:
    """Weights without a stuck device are those of the same chip with none, to the bit."""
    weight, share, n = weights(40_000), 0.02, 40_000
    bare = programmed(weight, key="stuck", mapping=mapping)
    chip = programmed(weight, key="stuck", mapping=mapping, stuck_high=share)
    left = (1 - share) ** (8 if mapping == "differential" else 4)
    found = chip.eq(bare).double().mean().item()
    assert found > left - 4 * math.sqrt(left * (1 - left) / n)
    assert found < left + 0.05, "a stuck device that should be at the top changes nothing"


def test_a_drift_shrinks_weights_of_both_signs_and_cancels_in_differential_pairs() -> None:
    """Every device loses a tenth of the range, and so does every sum of reads."""
    lost = MeasuredQuantiles(
        "lost", "", 1.0, g=(0.0, 1.0), probabilities=(0.4, 0.6), quantiles=((-0.1, -0.1),) * 2
    )
    weight = torch.tensor([1.0, 0.5, -0.5, -1.0], dtype=torch.float64)
    pair, single, whole = (
        programmed(weight, lost.sigma_d_measured, model=lost, bits=(16, 2), mapping=mapping)
        for mapping in ("differential", "sign_bit", "weight")
    )
    torch.testing.assert_close(whole, weight - 0.1 * weight.sign(), rtol=0, atol=1e-12)
    torch.testing.assert_close(single, weight - 0.1 * weight.sign(), rtol=0, atol=1e-5)
    torch.testing.assert_close(pair, weight, rtol=0, atol=1e-5)
