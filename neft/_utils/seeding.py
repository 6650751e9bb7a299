"""Random generators derived from a key, so that a draw depends on what it is for and nothing else.

A run that resumes, a pool of workers or a different order of tasks all meet the same bits.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive_seed(*key: str | int | float) -> int:
    """Map a key to a 63-bit seed: the first bytes of the SHA-256 of its representation.

    Args:
        key: what the randomness is for, for example ("chip", 17).

    Returns:
        A seed in [0, 2^63).

    Raises:
        TypeError: a part is not exactly a str, int or float. numpy's numbers are equal to
            Python's but written differently, so that they would silently draw other bits.

    >>> derive_seed("chip", 1) == derive_seed("chip", 1)
    True
    """
    for part in key:
        if type(part) not in (str, int, float):
            raise TypeError(f"key must hold str, int or float, got {type(part).__name__} {part!r}")
    digest = hashlib.sha256(repr(key).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(*key: str | int | float, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a fresh generator on `device`, seeded by `key` (see `derive_seed`)."""
    return torch.Generator(device=device).manual_seed(derive_seed(*key))


@contextmanager
def seeded(*key: str | int | float) -> Iterator[None]:
    """Give code that only knows torch's global generators (layer initialisation, dropout) a key.

    The global generators, the CPU's and every accelerator's, are restored on leaving, also after
    an exception. (Not tried on a GPU.)
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    kind = "cuda" if accelerator is None else accelerator.type
    with torch.random.fork_rng(range(torch.accelerator.device_count()), device_type=kind):
        torch.manual_seed(derive_seed(*key))
        yield
