"""A chip's pass with its parts added one by one, beside aihwkit-lightning's nearest equivalent."""

from functools import partial

import peer_codes
import torch
from cases import HARDWARE, SIGMA_D, Case, random_images
from contenders import PLAIN, plain_pass
from measure import Call
from own_process import Build, in_turn
from torch.utils.data import TensorDataset

from neft.characterize.bundled import read_noise_models
from neft.chip import Converters, Percentile, Periphery
from neft.evaluation import logits_with_periphery

BITS, TILE_ROWS = 8, 128
NOISE = read_noise_models()["RRAM_A_16"]
CALIBRATION = 16  # images that set the ranges of the converters, before the first chip


def whole_chips(case: Case) -> dict[str, Build]:
    """Return what builds each contender's pass of one chip, by the contender's name.

    One read of a chip's devices is held for all images, as aihwkit-lightning has one weight noise.
    """
    bits = BITS, BITS, Percentile(99.9), Percentile(99.9)
    neft = {
        "devices": Periphery(images=CALIBRATION),
        "+ read noise": Periphery(NOISE, images=CALIBRATION),
        "+ converters": Periphery(NOISE, converters=Converters(*bits), images=CALIBRATION),
        "+ tiles": Periphery(NOISE, converters=Converters(*bits, TILE_ROWS), images=CALIBRATION),
    }
    aihwkit = {"weight noise": (), "+ converters": (BITS,), "+ tiles": (BITS, TILE_ROWS)}
    return {
        PLAIN: partial(plain_pass, case),
        **{f"neft, {name}": partial(neft_pass, case, about) for name, about in neft.items()},
        **{
            f"aihwkit-lightning, {name}": partial(peer_codes.aihwkit_pass, case, *about)
            for name, about in aihwkit.items()
        },
    }


def neft_pass(case: Case, periphery: Periphery) -> Call:
    """Return a call that takes one more chip with a periphery."""
    train = TensorDataset(random_images(CALIBRATION), torch.arange(CALIBRATION) % case.classes)
    over = logits_with_periphery(
        case.network(), random_images(case.images), train, HARDWARE, SIGMA_D, periphery,
        chips=10**6, key="benchmark",
    )  # fmt: skip
    return partial(next, over)


def print_whole_chips(case: Case, rounds: int) -> None:
    """Print each contender's fastest pass, in multiples of plain PyTorch's fastest.

    Whatever else the machine does only slows a pass down: the fastest of many is nearest to the
    pass alone.
    """
    title = f"whole chip, VGG-8 (width {case.width:g}), {case.images} images"
    found = in_turn(whole_chips(case), rounds, title=title)
    fastest = {name: min(seconds) for name, seconds in found.seconds.items()}
    print(f"{title}: 1 = {1000 * fastest[PLAIN]:.3g} ms, fastest of {rounds} rounds")
    for name, seconds in fastest.items():
        print(f"{name:34} {seconds / fastest[PLAIN]:6.2f}")
    for name, reason in found.missing.items():
        print(f"{name:34} {reason}")
    print(flush=True)
