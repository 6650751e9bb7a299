"""Mean accuracy over chips to a wanted precision, from a few images per chip.

Every chip sees its own random images: a fixed subset would leave an error that more chips cannot
remove. The accuracy of a chip on its n images has the variance s_c^2 + v / n, with s_c the spread
of chips and v the variance of one image; a chip costs its programming and n images.
"""

import math
from dataclasses import dataclass
from typing import NoReturn

import torch
from scipy import special
from torch import Tensor, nn
from torch.utils.data import TensorDataset
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from neft._utils.checks import at_least, positive
from neft._utils.evaluation_mode import evaluating
from neft._utils.seeding import generator, seeded
from neft.chip import (
    Deploy,
    Execution,
    Hardware,
    Where,
    device_weights,
    fast_execution,
    images_and_labels,
    logits_of_chip,
    on_devices,
    program,
)

LEAST = 20  # chips before the first look at the interval
PILOT = 100  # images of each of these chips, if their best number is not known
FLOPS_PER_WEIGHT = 512
"""Operations of an image that take as long as programming a weight: full-width VGG-8 on two cores
has 12.9 million weights and takes 55 ms to program, 9 ms for the 1.08 billion of an image."""


@dataclass(frozen=True)
class AccuracyEstimate:
    """Mean accuracy over chips, without what it cannot tell: how chips differ.

    Args:
        mean: over chips, fraction.
        low: lower end of the interval of the mean.
        high: its upper end.
        chips: number of chips that it took.
        images_per_chip: of the chips after the pilot, or of all chips without a pilot.
        images: number of images that all chips saw.
        reached: whether the interval is as narrow as wanted.
    """

    mean: float
    low: float
    high: float
    chips: int
    images_per_chip: int
    images: int
    reached: bool

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"AccuracyEstimate has no {name}: it estimates a mean, from chips that saw different "
            "images; spread, percentiles and uncertainty over chips mix chips with images there "
            "and need whole test sets (accuracy_over_chips, logits_over_chips)"
        )


class SequentialMean:
    """Mean of draws with an interval that may be looked at after every draw from `LEAST` on.

    The stopping rule is that of Chow and Robbins (doi 10.1214/aoms/1177700156) with Student's
    quantile: stop when t sqrt((s^2 + step^2 / C) / C) is at most the wanted half-width. Their
    second term keeps first draws that happen to be equal from stopping; in units of the draws'
    step, it fades for draws of many images.

    Coverage of the 95 % interval at stopping, 20,000 simulations each: normal draws 94.6 %; shares
    of 17 images, right with .85, on chips that spread by .11: 94.2 %; draws as skewed as an
    exponential distribution 90 % (stopped near 40 or 90 chips); single images, right with .95:
    90 %, and 60 % without the second term.
    """

    def __init__(self) -> None:
        self.count, self.mean, self._squares = 0, 0.0, 0.0

    def add(self, draw: float) -> None:
        """Add a draw (Welford's update, doi 10.1080/00401706.1962.10490022)."""
        self.count += 1
        before = draw - self.mean
        self.mean += before / self.count
        self._squares += before * (draw - self.mean)

    def half_width(self, level: float, step: float) -> float:
        """Half-width of the interval of the mean; infinite before the first look.

        Args:
            level: confidence, between 0 and 1.
            step: by which draws differ at least; 0 for continuous draws.
        """
        if self.count < LEAST:
            return math.inf
        variance = self._squares / (self.count - 1) + step**2 / self.count
        quantile = float(special.stdtrit(self.count - 1, (1 + level) / 2))
        return quantile * math.sqrt(variance / self.count)


def estimate_accuracy(
    network: nn.Module,
    data: TensorDataset,
    hardware: Hardware,
    sigma_d: float,
    *,
    key: str,
    half_width: float = 0.005,
    level: float = 0.95,
    most_chips: int = 10_000,
    images_per_chip: int | None = None,
    programming_cost: float | None = None,
    margins: Tensor | None = None,
    where: Where = on_devices,
    deploy: Deploy = program,
    execution: Execution | None = None,
    progress: bool = False,
) -> AccuracyEstimate:
    """Estimate the network's mean accuracy over chips, with as few chips and images as it takes.

    The chips are those of `accuracy_over_chips`. Each sees images of its own, one from each of
    images_per_chip strata of equal size, along the order of the noise-free margin. Every image is
    equally likely, so that the draws are unbiased for any devices, whatever the margin is worth.
    No clock is read: the result depends on the arguments alone. Those that are not named below are
    of `neft.chip.logits_over_chips`.

    Args:
        data: images and labels of the whole test set.
        key: which population of chips; each chip's images depend on the key and the chip, too.
        half_width: wanted half-width of the interval, fraction.
        level: confidence of the interval, between 0 and 1.
        most_chips: to stop at, however wide the interval is; at least 20.
        images_per_chip: None for the best number after a pilot of 20 chips (see `best_images`).
            The pilot's draws count.
        programming_cost: time to program a chip, in units of the time of an image; None for that
            of `counted_cost`. It decides the number of images, not what is estimated.
        margins: of `noise_free_margins`, to compute them once for several sigma_d; None to compute
            them here, in one pass over the data.

    Raises:
        ValueError: half_width is not positive, level is outside (0, 1), most_chips is below 20,
            images_per_chip is below 1 or above the number of images, or deploy re-estimates
            BatchNorm: its pass over images on every chip is not in this budget. See also
            `logits_over_chips`.
    """
    images, labels = images_and_labels(data)
    positive(half_width=half_width)
    at_least(LEAST, most_chips=most_chips)
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    n = min(PILOT, len(images)) if images_per_chip is None else images_per_chip
    if not 1 <= n <= len(images):
        raise ValueError(f"images_per_chip must be 1 to {len(images)}, all images, got {n}")
    execution = execution or fast_execution(network, images[:1])
    if programming_cost is None:
        programming_cost = counted_cost(network, images[:1], where)
    positive(programming_cost=programming_cost)
    if margins is None:
        margins = noise_free_margins(network, data, execution)
    if len(margins) != len(images):
        raise ValueError(
            f"margins must be one for each of {len(images)} images, got {len(margins)}"
        )
    order = margins.argsort(stable=True)
    first = generator("chip", key, 0, device=next(network.parameters()).device)
    if deploy(network, hardware, sigma_d, generator=first, where=where).keys() & {
        name for name, _ in network.named_buffers()
    }:
        raise ValueError(
            "deploy must not re-estimate BatchNorm on the chip: that takes more images than the "
            "estimate itself, and its budget leaves them out; use accuracy_over_chips"
        )
    draws, seen = SequentialMean(), 0
    pilot: list[Tensor] = []
    for chip in tqdm(range(most_chips), desc="chips", disable=not progress):
        if chip == LEAST and images_per_chip is None:
            n = min(best_images(torch.stack(pilot), programming_cost), len(images))
        rows = order[stratified(len(order), n, generator=generator("images", key, chip))]
        logits = logits_of_chip(
            network, images[rows], hardware, sigma_d,
            chip=chip, key=key, where=where, deploy=deploy, execution=execution,
        )  # fmt: skip
        right = (logits.argmax(1).cpu() == labels[rows]).double()
        draws.add(right.mean().item())
        pilot += [right] if chip < LEAST else []
        seen += n
        if (half := draws.half_width(level, 1 / n)) <= half_width:
            break
    low, high = max(draws.mean - half, 0.0), min(draws.mean + half, 1.0)
    return AccuracyEstimate(draws.mean, low, high, draws.count, n, seen, half <= half_width)


def stratified(count: int, n: int, *, generator: torch.Generator) -> Tensor:
    """Draw one of `count` rows from each of n strata of equal size (Cochran, Sampling Techniques).

    Strata of a broken size share the row at their boundary, in proportion; it can be drawn twice.

    Returns:
        Rows in ascending order, [n]; each row is expected n / count times.
    """
    places = torch.arange(n) + torch.rand(n, dtype=torch.float64, generator=generator)
    return (places * count / n).long().clamp_max(count - 1)


def best_images(right: Tensor, programming_cost: float) -> int:
    """Choose the number of images per chip that gives the narrowest interval for its time.

    It is sqrt(v / s_c^2 * programming_cost) (Cochran, Sampling Techniques, section 10.6, on two
    stages). v comes from the successive differences of a chip's images, neighbours in margin
    (Wolter, Introduction to Variance Estimation, section 8.2), s_c^2 from what v leaves of the
    variance of the chips' means. It is not taken for smaller than its standard error: chips that
    seem equal would ask for all images. Half or twice the best number costs at most an eighth more.

    Args:
        right: whether a chip is right about its images, [chips, images], in the order of margins.
        programming_cost: time to program a chip, in units of the time of an image.
    """
    chips, images = right.shape
    if images < 2:
        return 1
    v = right.diff(dim=1).square().mean().item() / 2
    of_means = right.mean(1).var().item()
    if of_means == 0:
        return images
    of_chips = max(of_means - v / images, of_means * math.sqrt(2 / (chips - 1)))
    return max(1, round(math.sqrt(v / of_chips * programming_cost)))


def counted_cost(network: nn.Module, image: Tensor, where: Where = on_devices) -> float:
    """Return the time to program a chip over that of an image, from counts of operations.

    Args:
        image: [1, channels, height, width].
    """
    weights = sum(weight.numel() for weight in device_weights(network, where).values())
    image = image.to(next(network.parameters()).device)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), evaluating(network), seeded("margins"), counter:
        network(image)
    return FLOPS_PER_WEIGHT * weights / max(counter.get_total_flops(), 1)


@torch.no_grad()
def noise_free_margins(
    network: nn.Module, data: TensorDataset, execution: Execution | None = None
) -> Tensor:
    """Return the logit of each image's label minus the largest other one, without variation."""
    images, labels = data.tensors
    device = next(network.parameters()).device
    execution = execution or fast_execution(network, images[:1])
    with evaluating(network), seeded("margins"):
        batches = execution.batches(images.to(device))
        logits = torch.cat([network(batch).cpu() for batch in batches])
    of_label = logits.gather(1, labels[:, None].cpu())
    others = logits.scatter(1, labels[:, None].cpu(), -torch.inf)
    return (of_label - others.amax(1, keepdim=True)).flatten()
