"""Processes end with the one that started them, also if that one is killed."""

import os
import threading
import time

PERIOD_S = 0.5


def end_with(parent: int) -> None:
    """End this process, from now on, as soon as another is not its parent any more.

    Args:
        parent: number of the process that started this one.
    """
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PERIOD_S)
    os._exit(1)  # no clean-up: it would wait for the computation
