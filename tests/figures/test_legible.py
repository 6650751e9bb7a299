"""Laws of the choice of methods: all if few; otherwise the references and the best."""

import pandas as pd

from neft.figures.legible import ALWAYS, MOST, left_out, legible


def table(count: int) -> pd.DataFrame:
    names = ["ovf", *(f"m{i}" for i in range(count - 1))]
    rows = [(name, s, 0.001 * i * s) for i, name in enumerate(names) for s in (0.1, 0.2)]
    return pd.DataFrame(rows, columns=["method", "sigma_d", "accuracy"])


def test_few_methods_are_all_shown_in_their_order_and_nothing_is_said() -> None:
    few = table(MOST)
    assert legible(few) == list(few.method.unique())
    assert left_out(legible(few), few) == ""


def test_of_many_the_references_and_the_most_accurate_are_shown_in_their_order() -> None:
    many = table(100)
    shown = legible(many)
    assert shown == ["ovf", *(f"m{i}" for i in range(99 - MOST + 1, 99))]
    said = left_out(shown, many)
    assert said.startswith(f"{MOST} of 100 methods are shown: ")
    assert all(name in said for name in ALWAYS)
