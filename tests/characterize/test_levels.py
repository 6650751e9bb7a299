"""Laws of level tables: every statistic equals a slow loop; unusable reads are refused."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from helpers.reads import G_MAX, LEVELS, level_table

from neft.characterize.levels import level_errors
from neft.characterize.reads import LEVEL_COLUMNS, QUANTILES


def slow_quantile(ordered, probability):
    position = probability * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def slow_row(time_s, level, pairs):
    errors = [(g - g_0) / G_MAX for g_0, g in pairs]
    mean = sum(errors) / len(errors)
    m2, m3, m4 = (sum((e - mean) ** k for e in errors) / len(errors) for k in (2, 3, 4))
    row = ["toy", G_MAX, time_s, level, len(pairs), statistics.fmean(p[0] for p in pairs) / G_MAX]
    row += [mean, statistics.stdev(errors), m3 / m2**1.5, m4 / m2**2 - 3]
    return row + [slow_quantile(sorted(errors), probability) for probability in QUANTILES]


def assert_same(fast, pairs):
    slow = [slow_row(*key, pairs[key]) for key in sorted(pairs)]
    slow = pd.DataFrame(slow, columns=list(LEVEL_COLUMNS))
    pd.testing.assert_frame_equal(fast, slow, rtol=1e-9, check_dtype=False)


def test_level_table_equals_a_loop_over_cells(reads):
    initial = {c: g for c, t, g in reads.itertuples(index=False) if t == 0}
    pairs = {}
    for cell, time_s, g in reads.itertuples(index=False):
        if time_s > 0 and initial[cell] < G_MAX:
            level = int(initial[cell] // (G_MAX / LEVELS))
            pairs.setdefault((time_s, level), []).append((initial[cell], g))
    assert len(pairs) == 2 * LEVELS
    assert_same(level_table(reads), pairs)


@pytest.mark.parametrize("form", ["reads", "full"])
def test_order_of_rows_and_one_temperature_do_not_change_a_bit(form, request):
    reads = request.getfixturevalue(form)
    changed = reads.sample(frac=1, random_state=3).assign(temperature_K=350)
    pd.testing.assert_frame_equal(level_table(reads), level_table(changed), check_exact=True)


@pytest.mark.parametrize("levels", [2, 3, 4, 32])
def test_level_table_of_targets_equals_a_loop_over_reads(full, levels):
    """Four targets: up to 3 levels are parts of the range, with 4 or more each target is one."""
    pairs = {}
    for row in full.itertuples():
        # In whole uS: exact, unlike a division of targets that lie on the edges.
        target_uS = round(row.target_S * 1e6)
        level = min(target_uS * levels // 40, levels - 1) if levels < 4 else target_uS // 10 - 1
        pairs.setdefault((row.time_s, level), []).append((row.target_S, row.conductance_S))
    assert {time_s for time_s, _ in pairs} == {0, 0.5, 20}
    assert_same(level_table(full, levels=levels), pairs)


@pytest.mark.parametrize("left_out", [[], ["target_S"]])
def test_each_cycle_counts_as_a_separate_cell(full, left_out):
    full = full.assign(target_S=full["target_S"] - 5e-6).drop(columns=left_out)
    one_a_cell = full.assign(cell=10 * full["cell"] + full["cycle"]).drop(columns="cycle")
    first, second = (level_table(table, 8e-5, 2) for table in (full, one_a_cell))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_scaling_conductance_and_range_changes_only_the_range(reads):
    scaled = reads.assign(conductance_S=reads["conductance_S"] * 8)
    again = level_table(scaled, g_max_S=G_MAX * 8).assign(g_max_S=G_MAX)
    pd.testing.assert_frame_equal(level_table(reads), again, check_exact=True)


def test_a_conductance_just_below_the_range_is_in_the_last_level():
    rows = [(c, t, math.nextafter(G_MAX, 0) * (1 - t * c)) for c in (0.1, 0.2) for t in (0, 1)]
    rows += [(c, t, c * 1e-6 * (1 + t * c)) for c in (1, 2) for t in (0, 1)]
    rows += [(c, t, c * 1e-6 * (1 + t * c)) for c in (14, 15) for t in (0, 1)]
    table = pd.DataFrame(rows, columns=["cell", "time_s", "conductance_S"])
    assert level_table(table, levels=3)["n"].tolist() == [2, 2, 2]


def lowered(reads, below):
    """Move all reads of one cell of the lowest level down, the first to below * G_max under 0."""
    cell = reads["cell"] == reads.loc[reads["conductance_S"].idxmin(), "cell"]
    first = reads.loc[cell & (reads["time_s"] == 0), "conductance_S"].item()
    moved = reads["conductance_S"] - first - below * G_MAX
    return cell, reads.assign(conductance_S=reads["conductance_S"].mask(cell, moved))


@pytest.mark.parametrize("below", [0, 0.01, 0.03])
def test_reads_below_0_give_the_errors_of_reads_above(reads, below):
    """Errors are differences: they, and the cell's level, are those of the cell before the move."""
    cell, low = lowered(reads, below)
    assert low["conductance_S"].min() == pytest.approx(-below * G_MAX, abs=1e-20)
    expected = level_errors(reads, g_max_S=G_MAX, levels=LEVELS)
    expected["g"] = expected["g"].mask(cell, 0)
    found = level_errors(low, g_max_S=G_MAX, levels=LEVELS)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


def test_reads_below_0_are_as_far_from_their_targets_as_they_are(full):
    """Not cut off at 0: errors of normal reads around a target of 0 have the mean 0."""
    noise = np.random.default_rng(0).normal(0, 0.005 * G_MAX, len(full))
    target = full["target_S"] - full["target_S"].min()
    near = full.assign(target_S=target, conductance_S=target + noise)
    table = level_table(near)
    rows = table[table["g"] == 0]
    assert len(rows) == 3
    np.testing.assert_array_less(abs(rows["mean"]), 5 * 0.005 / rows["n"] ** 0.5)
    found = level_errors(near, g_max_S=G_MAX)["error"].to_numpy()
    np.testing.assert_allclose(np.sort(found), np.sort(noise / G_MAX), rtol=1e-9)


def changed(reads, row, column, value):
    reads = reads.copy()
    reads.loc[row, column] = value
    return reads


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"g_max_S": 0.0}, "g_max_S must be positive and finite, got 0.0"),
        ({"g_max_S": math.nan}, "g_max_S must be positive and finite, got nan"),
        ({"levels": 0}, "levels must be a positive integer, got 0"),
        ({"levels": 2.5}, "levels must be a positive integer, got 2.5"),
        ({"g_max_S": 1e-30}, "4 times G_max must be above the median .*, got G_max 1e-24 uS"),
        ({"g_max_S": 1e-3}, "G_max must be below 4 times the largest first read, .*, got 1000 uS"),
        ({"levels": 500}, r"level \d+ at time_s 0.5 must have at least 2 reads that differ, got"),
    ],
)
def test_bad_settings_are_refused(reads, options, message):
    with pytest.raises(ValueError, match=message):
        level_table(reads, **options)


TWO_READS = "must have at least 2 reads that differ, got"
BAD_READS = {
    "row 1: columns must include ['cell']": lambda r: r.drop(columns="cell"),
    "conductance must be at least -3% of G_max, -1.2 uS, got -1.3 uS in cell 7, time_s 0.0": (
        lambda r: changed(r, 7, "conductance_S", -1.3e-6)
    ),
    "row 7: cell, time_s must be unique together, got 6, 0.0": lambda r: changed(r, 7, "cell", 6),
    "without targets, each cell must have a read at time_s 0, got none for 3": lambda r: r.drop(
        index=3
    ),
    "some cell must begin below G_max, 40 uS, and be read again, got none": (
        lambda r: r[r["time_s"] == 0]
    ),
    f"level 0 at time_s 0.5 {TWO_READS} 60 equal ones that begin at 0 to 10 uS": (
        lambda r: r.assign(conductance_S=r["cell"] % 4 * 1e-5 + 5e-6)
    ),
}
BAD_FULL_READS = {
    "row 4: target_S must be one value in a cell an": lambda r: changed(r, 3, "target_S", 3e-5),
    "G_max must be at least the largest target, 50 uS, got 40 uS;": (
        lambda r: r.assign(target_S=5e-5)
    ),
    "G_max must be below 4 times the largest target, 0.04 uS, got 40 uS;": (
        lambda r: r.assign(target_S=r["target_S"] / 1e3)
    ),
    "read / target must be 0.01 to 100 in the median, got": (
        lambda r: r.assign(conductance_S=r["conductance_S"] / 1e3)
    ),
    "temperature_K must be one value in a level table, got [300.0, 301.0]": (
        lambda r: r.assign(temperature_K=300 + r["cell"] % 2)
    ),
    f"level 0 at time_s 0 {TWO_READS} 1": (
        lambda r: r.assign(target_S=np.where(r["cell"] == 9, 0, 2e-5))[r["cycle"] == 0]
    ),
    f"level 0 at time_s 0 {TWO_READS} 20 equal ones": lambda r: r.assign(
        conductance_S=r["target_S"]
    ),
    "without targets, each cell and cycle must have a read at time_s 0, got none for 8, 1": (
        lambda r: r.drop(columns="target_S")[(r["time_s"] > 0) | (r["cycle"] == 0)]
    ),
}


@pytest.mark.parametrize(
    ("form", "message"),
    [*(("reads", said) for said in BAD_READS), *(("full", said) for said in BAD_FULL_READS)],
)
def test_bad_reads_are_refused(form, message, request):
    change = (BAD_READS | BAD_FULL_READS)[message]
    with pytest.raises(ValueError) as error:
        level_table(change(request.getfixturevalue(form)))
    assert str(error.value).startswith(f"reads: {message}")
