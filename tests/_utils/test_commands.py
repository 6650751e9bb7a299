"""A command ends in one line for what a user or a machine can do, and only for that."""

import pytest

from neft._utils.commands import one_line


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("width must be positive, got -1"), "error: width must be positive, got -1"),
        (
            OSError(28, "No space left on device", "x"),
            "error: [Errno 28] No space left on device: 'x'",
        ),
        (ValueError("two\nlines"), "error: two lines"),
        (KeyboardInterrupt(), "error: interrupted; run again to continue"),
    ],
)
def test_what_happens_to_users_is_one_line(error: BaseException, said: str) -> None:
    with pytest.raises(SystemExit) as caught, one_line():
        raise error
    assert caught.value.code == said


def test_a_long_value_is_cut_and_a_fault_of_the_code_stays_one() -> None:
    with pytest.raises(SystemExit) as caught, one_line():
        raise ValueError("x" * 10_000)
    assert len(str(caught.value.code)) < 1100
    with pytest.raises(KeyError), one_line():
        raise KeyError("no user's")
