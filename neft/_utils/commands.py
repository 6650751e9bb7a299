"""What a command says when it cannot go on: one line, and no traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from neft._utils.checks import cut


@contextmanager
def one_line() -> Iterator[None]:
    """End the process with status 1 and one line if the block meets a bad input, a full disk or
    Ctrl-C; any other error is a fault of the code and stays one."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit("error: interrupted; run again to continue")
    except (OSError, ValueError) as error:
        sys.exit(cut(f"error: {error}"))
