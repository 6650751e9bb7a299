"""Processes end with the one that started them, also if that one is killed."""

import os
import threading
import time

PERIOD_S = 0.5

_watched: set[int] = set()


def end_with(parent: int) -> None:
    """Watch, from now on, that a process is still this one's parent; when it is not, end at once.

    Nothing happens where this is no child of it: in the process itself, or on another machine.

    Args:
        parent: number of the process.
    """
    if os.getppid() == parent and parent not in _watched:
        _watched.add(parent)
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PERIOD_S)
    os._exit(1)  # no clean-up: it would wait for the computation
