"""Laws of fitting read noise: known parts are found, others are not needed."""

from dataclasses import replace

import numpy as np
import pytest

from neft._utils.seeding import generator
from neft.characterize import read_noise
from neft.characterize.read_noise import CANDIDATES, compare, divergences, fit
from neft.devices import ReadNoise

RATE = 400.0
TRUTH = ReadNoise("n", "made up", 0.002, 0.01, 1.2, 0.006, 20.0, low_Hz=0.78, high_Hz=200)
TRUTHS = {
    "white": replace(TRUTH, flicker=0, telegraph=0),
    "white_telegraph": replace(TRUTH, flicker=0),
    "white_flicker": replace(TRUTH, telegraph=0),
}
FREQUENCY = np.geomspace(1.6, 190, 30)


def series(truth: ReadNoise, reads: int = 12_288) -> np.ndarray:
    drawn = truth.sample((), reads, interval_s=1 / RATE, generator=generator("series"))
    return 0.5 + drawn.double().numpy()


@pytest.mark.parametrize("parts", CANDIDATES.values(), ids=CANDIDATES)
def test_a_model_is_recovered_from_its_own_spectrum(parts: tuple[str, ...]) -> None:
    absent = {part: 0.0 for part in ("white", "flicker", "telegraph") if part not in parts}
    truth = replace(TRUTH, **absent)
    blank = replace(truth, white=0, flicker=0, telegraph=0, exponent=1, corner_Hz=1)
    found = fit(FREQUENCY, truth.spectrum(FREQUENCY, 1 / RATE), blank, parts, RATE)
    expected, got = (each.spectrum(FREQUENCY, 1 / RATE) for each in (truth, found))
    assert got == pytest.approx(expected, rel=0.01)
    for part in parts:
        assert getattr(found, part) == pytest.approx(getattr(truth, part), rel=0.1)
    assert all(getattr(found, part) == 0 for part in absent)


@pytest.mark.parametrize("name", TRUTHS)
def test_a_true_model_is_not_worse_than_the_best_by_more_than_two_standard_errors(name) -> None:
    table, spectra = compare(series(TRUTHS[name]), rate_Hz=RATE, name="d", source="s", segment=512)
    table = table.set_index("candidate")
    assert table.index.tolist() == list(CANDIDATES)
    true = table.loc[name]
    assert true.behind_best <= 2 * true.behind_best_se
    if name != "white":
        assert table.loc["white"].behind_best > 4 * table.loc["white"].behind_best_se
    best = table[table.best].iloc[0]
    assert best.held_out == table.held_out.min()
    if name == "white_flicker":
        assert true.exponent == pytest.approx(1.2, abs=0.15)
    else:  # a larger 1/f part hides white noise
        assert true.white == pytest.approx(0.002, rel=0.2)
    assert spectra.columns.tolist() == ["device", "frequency_Hz", "measured", "fitted"]
    assert np.log(spectra.measured / spectra.fitted).abs().median() < 0.15


def test_a_fit_is_judged_by_the_segments_that_it_was_not_fitted_to(monkeypatch) -> None:
    """White noise twice as large in every other segment: each half's spectrum is 4 times or 1/4."""
    monkeypatch.setattr(read_noise, "CANDIDATES", {"white": ("white",)})
    reads = np.random.default_rng(0).normal(size=(80, 128)) * np.tile([0.01, 0.02], 40)[:, None]
    table, _ = compare(reads.ravel(), rate_Hz=RATE, name="d", source="s", segment=128)
    assert table.held_out.item() == pytest.approx(np.mean([4 - 1, 1 / 4 - 1]), rel=0.1)
    assert table.white.item() == pytest.approx(0.01 * np.sqrt(2.5), rel=0.05)


def test_scaling_the_reads_scales_sizes_and_nothing_else() -> None:
    reads = series(TRUTHS["white_telegraph"], 4096)
    first, second = (
        compare(reads * k, rate_Hz=RATE, name="d", source="s", segment=512)[0] for k in (1, 2)
    )
    assert second.held_out.tolist() == pytest.approx(first.held_out.tolist(), rel=0.02)
    assert second.telegraph[1] == pytest.approx(2 * first.telegraph[1], rel=0.02)
    assert second.corner_Hz[1] == pytest.approx(first.corner_Hz[1], rel=0.02)


def test_divergence_is_0_where_spectra_are_equal_and_positive_elsewhere() -> None:
    found = divergences(np.array([1.0, 2.0, 2.0]), np.array([1.0, 1.0, 4.0]))
    assert found == pytest.approx([0, 0.5 + np.log(2) - 1, 2 - np.log(2) - 1])


@pytest.mark.parametrize(
    ("reads", "rate", "said"),
    [
        (np.zeros(1000), 1.0, "reads must be finite and differ, got spread 0.0 in 0"),
        (np.append(np.arange(999.0), np.nan), 1.0, "reads must be finite and differ, .* nan in 3"),
        (np.arange(300.0), 1.0, "at least 2 segments of at least 64, got 300 reads in .* of 250"),
        (np.arange(1000.0), 0.0, "rate_Hz must be positive"),
    ],
)
def test_unusable_reads_are_refused(reads: np.ndarray, rate: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        compare(reads, rate_Hz=rate, name="d", source="s", segment=250)
