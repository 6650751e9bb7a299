"""Uniform quantisers of a symmetric range, with their gradients."""

from typing import Any

import torch
from torch import Tensor


def quantise(signal: Tensor, bits: int, bound: float) -> Tensor:
    """Clip to a symmetric range and round to uniform levels.

    Q(x) = D round(min(max(x, -r), r) / D) with the bound r and the step D = r / (2^(bits - 1) - 1).
    There are 2^bits - 1 levels: 0, and as many below as above it (2^bits - 2 steps, as in aihwkit).
    Halves are rounded to the even level. Where nothing is clipped, |Q(x) - x| is at most D / 2.

    The gradient passes straight through: it is 1 for |x| <= r, and 0 outside (Bengio et al., arXiv
    1308.3432).

    Args:
        signal: any shape.
        bits: 2 or more.
        bound: r, in units of the signal.

    Examples:
        >>> quantise(torch.tensor([-9.0, -0.2, 0.4, 0.8, 9.0]), 3, 1.5)
        tensor([-1.5000, -0.0000,  0.5000,  1.0000,  1.5000])
    """
    if torch.is_grad_enabled() and signal.requires_grad:
        return _StraightThrough.apply(signal, bits, bound)
    step = bound / (2 ** (bits - 1) - 1)
    return signal.clamp(-bound, bound).div_(step).round_().mul_(step)


class _StraightThrough(torch.autograd.Function):
    """`quantise` with the gradient of clipping alone."""

    @staticmethod
    def forward(ctx, signal: Tensor, bits: int, bound: float) -> Tensor:
        ctx.save_for_backward(signal.abs() <= bound)
        return quantise(signal, bits, bound)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        (inside,) = ctx.saved_tensors
        return gradient * inside, None, None


def quantise_learning(
    signal: Tensor, bits: int, bound: Tensor, *, decay: float, inside: float
) -> Tensor:
    """Quantise as `quantise` does, with a bound that training learns.

    With the quantised signal q and the loss L, the bound's gradient is

        r (sum_{x >= r} min(dL/dq, 0) - sum_{x <= -r} max(dL/dq, 0) + decay [share > inside]),

    share the share of the signal with |x| < r. Values that are clipped widen the range where the
    loss falls when they grow, and never narrow it; `decay` narrows it while few are clipped
    (aihwkit-lightning, github.com/IBM/aihwkit-lightning at 576d98e). The signal's gradient is that
    of `quantise`.

    Args:
        signal: any shape.
        bits: 2 or more.
        bound: r, one number above 0, in units of the signal.
        decay: of the bound, at each call: for a recurrent layer's W_hh at each step.
        inside: share of the signal.
    """
    return _Learning.apply(signal, bits, bound, decay, inside)


class _Learning(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, signal: Tensor, bits: int, bound: Tensor, decay: float, inside: float
    ) -> Tensor:
        ctx.save_for_backward(signal, bound)
        ctx.decay, ctx.inside = decay, inside
        return quantise(signal, bits, bound.item())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,), (signal, bound) = gradients, ctx.saved_tensors
        above, below = signal >= bound, signal <= -bound
        pull = (gradient.clamp(max=0) * above).sum() - (gradient.clamp(min=0) * below).sum()
        share = 1 - (above | below).mean(dtype=bound.dtype)
        pull = pull + ctx.decay * (share > ctx.inside)
        return gradient * (signal.abs() <= bound), None, bound * pull, None, None
