"""Training steps and chips' passes of our peers' public codes; nothing of them is in this project.

aihwkit-lightning (pypi.org/project/aihwkit-lightning, version 2) is measured where it is installed.
Its layers draw new weights in each training pass, with Gaussian noise relative to the largest
weight, as RRAM1's; at inference it has no noise, so that a chip is its layers with noisy weights
set by us. Its converters and tiles work at inference, too.

The paper's code (github.com/YifanQin-ND/NeFT_CIM) is imported from a folder.
"""

import sys
from argparse import Namespace
from contextlib import redirect_stdout
from importlib import import_module, util
from typing import Any

import torch
from cases import HARDWARE, SIGMA_D, Case, Unavailable, random_images
from measure import Call
from torch import Tensor, nn


def aihwkit_step(case: Case) -> Call:
    """Return a training step of the same network in analog layers."""
    network = _analog(case)
    optimizer = import_module("aihwkit_lightning.optim").AnalogOptimizer(
        torch.optim.Adam, network.analog_layers, network.parameters()
    )
    inputs, labels = case.training_batch()

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(inputs), labels).backward()
        optimizer.step()

    return step


def aihwkit_pass(case: Case, bits: int | None = None, tile_rows: int | None = None) -> Call:
    """Return a chip's pass: new noisy weights for every analog layer, then all images.

    Args:
        case: the network and its images.
        bits: of the converters at the inputs and outputs of every tile; None for exact signals.
        tile_rows: the most inputs of a tile; None for as many as a layer has.
    """
    network, images = _analog(case, bits, tile_rows).eval(), random_images(case.images)
    layers = list(network.analog_layers())
    with torch.no_grad():
        for layer in layers:
            layer.train()  # a training pass of these layers sets their input ranges
        network(images[: case.pass_batch])
        network.eval()
    weights = [layer.get_weights_and_biases()[0].detach().clone() for layer in layers]

    @torch.no_grad()
    def logits() -> Tensor:
        for layer, weight in zip(layers, weights, strict=True):
            noise = torch.randn_like(weight) * (
                HARDWARE.slice_factor * SIGMA_D * weight.abs().max()
            )
            layer.set_weights(weight + noise)
        return torch.cat([network(batch) for batch in images.split(case.pass_batch)])

    return logits


def _analog(case: Case, bits: int | None = None, tile_rows: int | None = None) -> Any:
    """Convert the case's network to analog layers with weight noise in training."""
    if util.find_spec("aihwkit_lightning") is None:
        raise Unavailable("not installed (pip install aihwkit-lightning)")
    with redirect_stdout(sys.stderr):  # it says that triton, for GPUs, is missing
        convert = import_module("aihwkit_lightning.nn.conversion").convert_to_analog
    configs = import_module("aihwkit_lightning.simulator.configs")
    config = configs.TorchInferenceRPUConfig()
    config.modifier.noise_type = configs.WeightNoiseInjectionType.ADD_NORMAL
    config.modifier.std_dev = HARDWARE.slice_factor * SIGMA_D
    config.mapping.max_input_size = tile_rows or -1
    if bits is not None:
        config.pre_post.input_range.enable = True
        config.forward.inp_res = config.forward.out_res = 2**bits - 2
        config.forward.out_bound = 12.0  # as in its examples
    return convert(case.network(), config)


def paper_step(case: Case, kind: str) -> Call:
    """Return a training step of the paper's VGG-8.

    Args:
        kind: "base" (noise training), "irs" or "ovf", as its command line calls them.
    """
    code = _PaperCode(case)
    network = code.network(kind)
    optimizer = torch.optim.Adam(network.parameters(), code.config.Config.LR)
    given = [network, "cpu", [case.training_batch()], optimizer, nn.CrossEntropyLoss()]
    if kind == "base":
        return lambda: code.training.train_fn(*given)
    train = getattr(code.training, f"train_fn_{kind}")
    beta = code.config.vgg8_beta[kind]["cifar10"]
    return lambda: train(Namespace(var1=SIGMA_D), *given, beta)


def paper_pass(case: Case, *, new_network: bool = True) -> Call:
    """Return a chip's pass of the paper's test.

    Args:
        new_network: build a network for each chip, as its test does; False for new errors only.
    """
    code = _PaperCode(case)
    images = random_images(case.images)
    labels = torch.arange(case.images) % case.classes
    batches = list(zip(images.split(case.pass_batch), labels.split(case.pass_batch), strict=True))
    trained = code.network("base").state_dict()
    kept = code.network("test")

    def accuracy() -> float:
        network = code.network("test") if new_network else kept
        network.load_state_dict(trained)
        network.epoch_noise()
        return code.testing.test_fn(network, "cpu", batches)

    return accuracy


class _PaperCode:
    """The modules of the paper's code that a case needs."""

    def __init__(self, case: Case) -> None:
        if case.neft_cim is None:
            raise Unavailable("its folder was not given (--neft-cim PATH)")
        if case.width != 1 or case.classes != 10:
            raise Unavailable("its VGG-8 has width 1 and is tested with 10 classes only")
        sys.path.insert(0, str(case.neft_cim))
        try:
            self.config = import_module("config")
            self.vgg8 = import_module("models.vgg8")
            self.training = import_module("src.train_fn")
            self.testing = import_module("src.test_fn")
        finally:
            sys.path.remove(str(case.neft_cim))
        self.config.Config.DEVICE = "cpu"  # where all contenders are; it would choose a GPU

    def network(self, kind: str) -> nn.Module:
        """Return its VGG-8 for "base", "irs", "ovf" or "test", on RRAM1 devices."""
        if kind == "irs":
            return self.vgg8.vgg8_irs(3, 10, SIGMA_D, SIGMA_D)
        make = self.vgg8.vgg8_test if kind == "test" else self.vgg8.vgg8
        return make(3, 10, SIGMA_D)
