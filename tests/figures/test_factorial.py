"""Figures of factorial experiments: cells and bars hold the tables."""

import numpy as np
import pytest
from helpers.tables import COMBINATIONS, EFFECTS
from matplotlib.colors import to_hex

from neft import figures


def test_cells_hold_the_accuracy_of_their_levels() -> None:
    ax = figures.plot_combinations(COMBINATIONS, ["shape"], ["clip", "last"])
    rows = [text.get_text() for text in ax.get_yticklabels()]
    columns = [text.get_text() for text in ax.get_xticklabels()]
    assert rows == ["uniform", "normal"]
    assert columns == ["none, torch", "none, paper", "2, torch", "2, paper"]
    cells = np.reshape([text.get_text() for text in ax.texts], (2, 4))
    for row in COMBINATIONS.itertuples():
        cell = cells[rows.index(row.shape), columns.index(f"{row.clip}, {row.last}")]
        assert cell == f"{100 * row.accuracy:.1f}"


def test_missing_combinations_are_blank_and_levels_stay_in_order() -> None:
    second = COMBINATIONS[["shape", "clip", "last"]].isin(["normal", "2", "paper"]).sum(axis=1)
    half = COMBINATIONS[second % 2 == 0]
    ax = figures.plot_combinations(half, ["shape"], ["clip", "last"])
    columns = [text.get_text() for text in ax.get_xticklabels()]
    assert columns == ["none, torch", "none, paper", "2, torch", "2, paper"]
    assert [text.get_text() for text in ax.texts] == [f"{100 * each:.1f}" for each in half.accuracy]


def test_bars_hold_effects_and_interactions_are_open() -> None:
    ax = figures.plot_effects(EFFECTS)
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == ["shape", "clip", "shape × clip"]
    for place, (row, drawn) in enumerate(zip(EFFECTS.itertuples(), ax.containers, strict=True)):
        marker, _, (bar,) = drawn
        assert marker.get_xydata()[0] == pytest.approx([100 * row.effect, place])
        assert bar.get_segments()[0][:, 0] == pytest.approx([100 * row.low, 100 * row.high])
        assert (to_hex(marker.get_markerfacecolor()) == "#ffffff") == bool(row.beside)
