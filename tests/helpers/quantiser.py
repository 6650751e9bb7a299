"""A quantiser of one number, to compare fast ones with."""


def slow(x: float, bits: int | None, bound: float) -> float:
    """The quantiser of one number, by a search among its levels."""
    if bits is None:
        return x
    highest = 2 ** (bits - 1) - 1
    levels = [bound * k / highest for k in range(-highest, highest + 1)]
    return min(levels, key=lambda level: abs(level - x))
