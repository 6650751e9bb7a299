"""Gaussian errors with a bound: censored or truncated, on one side or on both."""

from dataclasses import dataclass

import torch
from scipy import stats
from torch import Tensor

from neft.devices import VariationModel

LEAST = 2.0**-25  # half the step of a uniform draw in single precision, which may be 0


@dataclass(frozen=True)
class BoundedGaussian(VariationModel):
    """A Gaussian model whose standard normal z is kept at or below a bound c.

    Censored, z becomes min(z, c), with mean c (1 - Phi(c)) - phi(c) and second moment
    Phi(c) - c phi(c) + c^2 (1 - Phi(c)) for phi and Phi of a standard normal (arXiv 2307.15853).
    Truncated, it is a normal below c, with mean -phi(c) / Phi(c). With both sides the lower bound
    is -c and the mean 0.

    Args:
        base: the Gaussian model.
        bound: c, in standard deviations.
        sides: "right" or "both".
        truncated: errors beyond the bound are drawn again, instead of moved onto it.
        unbiased: the mean of z is subtracted.
    """

    base: VariationModel
    bound: float
    sides: str = "right"
    truncated: bool = False
    unbiased: bool = False

    @classmethod
    def of(
        cls,
        base: VariationModel,
        bound: float,
        sides: str = "right",
        truncated: bool = False,
        unbiased: bool = False,
    ) -> "BoundedGaussian":
        """Bound a model.

        Raises:
            ValueError: the model's errors are not Gaussian with mean zero.
        """
        if not base.symmetric:
            raise ValueError(f"right_censored needs Gaussian errors of mean 0, got {base.name}'s")
        name = f"{base.name}, {'truncated' if truncated else 'censored'} ({sides})"
        return cls(name, base.source, base, bound, sides, truncated, unbiased)

    @property
    def mean(self) -> float:
        """Mean of z before it is subtracted."""
        if self.sides == "both":
            return 0.0
        below, above = stats.norm.cdf(self.bound), stats.norm.sf(self.bound)
        density = stats.norm.pdf(self.bound)
        return float(-density / below if self.truncated else self.bound * above - density)

    def spread(self, u: Tensor, sigma_d: float = 1.0) -> Tensor:
        """Standard deviation without the bound."""
        return self.base.spread(u, sigma_d)

    def sample(
        self, u: Tensor, sigma_d: float, *, generator: torch.Generator, shrink: float = 1.0
    ) -> Tensor:
        """Draw errors; `shrink` scales all of them, as the method bounds a weight's own z."""
        low = -self.bound if self.sides == "both" else None
        z = torch.empty(u.shape, device=u.device, dtype=u.dtype)
        if self.truncated:
            ends = (0.0 if low is None else stats.norm.cdf(low), stats.norm.cdf(self.bound))
            z.uniform_(*map(float, ends), generator=generator)
            torch.special.ndtri(z.clamp_(min=LEAST), out=z)
        else:
            z.normal_(generator=generator)
        z.clamp_(low, self.bound)  # of the truncated ones, only what rounding put beyond
        if self.unbiased:
            z.sub_(self.mean)
        return z.mul_(self.spread(u, sigma_d * shrink))
