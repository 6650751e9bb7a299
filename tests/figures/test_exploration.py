"""The explorer's figure: the artists show the numbers of the tables."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from neft.figures import draw_exploration
from neft.figures.exploration import RIGHT, WRONG

CHIPS = pd.DataFrame({"chip": [0, 1], "accuracy": [0.5, 0.9]})
SUMMARY = pd.DataFrame(
    {
        **{"mean": [0.7], "low": [0.6], "high": [0.8], "without_errors": [0.95]},
        **{"error_mean": [0.01], "error_std": [0.08], "images": [20]},
    }
)
ERRORS = pd.DataFrame(
    {"low": [-0.3, -0.1, 0.1], "high": [-0.1, 0.1, 0.3], "share": [0, 0.75, 0.25]}
)
ANSWERS = pd.DataFrame(
    {
        "image": [0, 0, 1, 1],
        "label": [1, 1, 0, 0],
        "class": [0, 1, 0, 1],
        "share": [0.25, 0.75, 1.0, 0.0],
    }
)
PICTURES = np.arange(18).reshape(2, 3, 3) / 18
TABLES = {"chips": CHIPS, "summary": SUMMARY, "errors": ERRORS, "answers": ANSWERS}


def test_every_number_is_shown_in_percent() -> None:
    figure = draw_exploration(**TABLES, pictures=PICTURES, title="About")
    chips, errors, pictures, answers = figure.axes
    mean, exact, dots = chips.lines
    assert list(mean.get_xdata()) == pytest.approx([70, 70])
    assert list(exact.get_xdata()) == pytest.approx([95, 95])
    assert exact.get_linestyle() == ":" != mean.get_linestyle()
    np.testing.assert_allclose(dots.get_xydata(), [[50, 1], [90, 2]])
    band = chips.patches[0].get_extents().transformed(chips.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((60, 80))
    assert chips.get_title() == "70.0 % (60.0 to 80.0), 2 chips, 20 images"
    (stairs,) = errors.patches
    values, edges, _ = stairs.get_data()
    assert (list(values), list(edges)) == ([0, 75, 25], pytest.approx([-30, -10, 10, 30]))
    assert errors.get_title() == "First chip: mean 1.0 %, std 8.0 %"
    assert [bar.get_height() for bar in answers.patches] == [25, 75, 100, 0]
    colours = [to_hex(bar.get_facecolor()).upper() for bar in answers.patches]
    assert colours == [WRONG, RIGHT, RIGHT, WRONG]
    assert [tick.get_text() for tick in answers.get_xticklabels()] == ["0", "1", "0", "1"]
    for image, picture in zip(pictures.images, PICTURES, strict=True):
        np.testing.assert_array_equal(image.get_array(), picture)
    assert [text.get_text() for text in figure.texts] == ["About"]
    assert plt.get_fignums() == [], "pyplot would show the figure a second time"


@pytest.mark.parametrize("name", TABLES)
def test_a_missing_column_is_named(name: str) -> None:
    column = TABLES[name].columns[-1]
    tables = TABLES | {name: TABLES[name].drop(columns=column)}
    with pytest.raises(ValueError, match=rf"missing \['{column}'\]$"):
        draw_exploration(**tables, pictures=PICTURES)


def test_each_image_needs_its_picture() -> None:
    with pytest.raises(ValueError, match=r"^answers and pictures must .* images, got 2 and 1$"):
        draw_exploration(**TABLES, pictures=PICTURES[:1])
