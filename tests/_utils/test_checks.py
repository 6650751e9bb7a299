"""Each check passes what its rule allows and names argument, rule and value otherwise."""

import math
import re

import pytest

from neft._utils import checks

GOOD = [
    (checks.positive, [1e-9, 1, 7.5]),
    (checks.non_negative, [0, 0.5]),
    (checks.finite, [-3, 0.0]),
    (checks.fraction, [0, 0.5, 1]),
]
BAD = [
    (checks.positive, [0, -1, math.inf, math.nan], "positive and finite"),
    (checks.non_negative, [-1e-9, math.inf, math.nan], "non-negative and finite"),
    (checks.finite, [math.inf, -math.inf, math.nan], "finite"),
    (checks.fraction, [-1e-9, 1.01, math.nan], "in [0, 1]"),
]


@pytest.mark.parametrize(("check", "value"), [(c, v) for c, values in GOOD for v in values])
def test_allowed_numbers_pass(check, value: float) -> None:
    check(share=value)


@pytest.mark.parametrize(
    ("check", "value", "rule"), [(c, v, rule) for c, values, rule in BAD for v in values]
)
def test_the_first_offence_is_named(check, value: float, rule: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"share must be {rule}, got {value}")):
        check(good=1, share=value, later=math.nan)


def test_choices_and_least_numbers() -> None:
    checks.one_of(("a", "b"), letter="b")
    checks.at_least(2, chips=2)
    with pytest.raises(ValueError, match="letter must be one of a, b, got 'c'"):
        checks.one_of(("a", "b"), letter="c")
    for value in (1, math.nan):
        with pytest.raises(ValueError, match=f"chips must be at least 2, got {value}"):
            checks.at_least(2, chips=value)
