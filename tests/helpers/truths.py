"""Known distributions of the error at eight levels, one for each candidate model."""

import math

import numpy as np

G = (np.arange(8) + 0.5) / 8
MIDDLE = (G > 0.25) & (G < 0.75)


def hump(g: np.ndarray) -> np.ndarray:
    return 0.02 + 0.05 * np.exp(-(((g - 0.4) / 0.2) ** 2))


def drift(g: np.ndarray) -> np.ndarray:
    return -0.04 * np.sin(math.pi * g)


def normal(mean, sigma):
    def draw(rng: np.random.Generator, n: int) -> list[np.ndarray]:
        return [
            rng.normal(m, s, n)
            for m, s in zip(np.broadcast_to(mean, 8), np.broadcast_to(sigma, 8), strict=True)
        ]

    return draw


def skewed(rng: np.random.Generator, n: int) -> list[np.ndarray]:
    return [0.02 * (rng.lognormal(0, 1, n) - 1) for _ in G]


TRUTHS = {
    "constant": normal(0, 0.05),
    "s_ratio": normal(0, np.where(MIDDLE, 0.09, 0.03)),
    "smooth": normal(drift(G), hump(G)),
    "quantiles": skewed,
}
