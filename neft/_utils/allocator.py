"""Keep freed memory in the process, for the tensors of the next step."""

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, from <malloc.h>


@cache
def keep_freed_memory() -> None:
    """Ask glibc not to return freed memory to the system; elsewhere, do nothing.

    A training step frees what the next one allocates again. Memory that went back to the system in
    between is mapped and zeroed anew, page by page, which can take a third of a step. The process
    then holds its peak until it ends.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 1 << 30)  # bytes: only larger tensors are mapped on their own
        mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
