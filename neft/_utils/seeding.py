"""Random generators seeded by a key, so that a draw depends on its purpose and nothing else.

A resumed run, a pool of workers and another order of tasks all draw the same bits.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive_seed(*key: str | int | float) -> int:
    """Map a key to a 63-bit seed: the first bytes of the SHA-256 of its representation.

    Args:
        key: the purpose of the draws, for example ("chip", 17).

    Returns:
        A seed in [0, 2^63).

    Raises:
        TypeError: a part is not exactly a str, int or float. numpy's numbers equal Python's but
            have another representation, so that they would silently draw other bits.

    Examples:
        >>> derive_seed("chip", 1) == derive_seed("chip", 1)
        True
    """
    for part in key:
        if type(part) not in (str, int, float):
            raise TypeError(f"key must hold str, int or float, got {type(part).__name__} {part!r}")
    return _seed_of(repr(key).encode())


def _seed_of(content: bytes) -> int:
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big") >> 1


def generator(*key: str | int | float, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a fresh generator on `device`, seeded by `key` (see `derive_seed`)."""
    return torch.Generator(device=device).manual_seed(derive_seed(*key))


def beside(generator: torch.Generator) -> torch.Generator:
    """Return a generator of other draws, on the same device, that depends on the state of one.

    That one's state does not change. Two states give independent draws.
    """
    seed = _seed_of(generator.get_state().numpy().tobytes())
    return torch.Generator(device=generator.device).manual_seed(seed)


@contextmanager
def seeded(*key: str | int | float) -> Iterator[None]:
    """Seed torch's global generators (for layer initialisation, dropout) by a key.

    On leaving, the global generators of the CPU and of every accelerator are restored, also after
    an exception. (Not tried on a GPU.)
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    kind = "cuda" if accelerator is None else accelerator.type
    with torch.random.fork_rng(range(torch.accelerator.device_count()), device_type=kind):
        torch.manual_seed(derive_seed(*key))
        yield
