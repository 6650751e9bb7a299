"""The benchmark networks LeNet-5, VGG-8 and ResNet-18, as plain modules without noise.

`snapshots` names the features that IRS classifies, shallowest first, and the size that each is
pooled to.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

from torch import Tensor, nn

from neft._utils.checks import one_of, positive
from neft._utils.seeding import seeded


def scaled(channels: int, width: float) -> int:
    """Return `channels` times the width multiplier, rounded, at least 1."""
    return max(1, round(channels * width))


def conv_block(inputs: int, outputs: int, kernel: int, padding: int = 0) -> nn.Sequential:
    """Convolution without bias, BatchNorm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def check_shape(images: Tensor, shape: tuple[int, int, int]) -> None:
    """Raise ValueError unless images are [batch, *shape]."""
    if tuple(images.shape[1:]) != shape:
        raise ValueError(f"images must be [batch, {str(shape)[1:-1]}], got {list(images.shape)}")


def check_side(side: int, smallest: int) -> None:
    """Raise ValueError if images are too small for a network's pools."""
    if side < smallest:
        raise ValueError(f"side must be at least {smallest} pixels, got {side}")


class LeNet5(nn.Module):
    """LeNet-5 (LeCun et al., 1998, doi 10.1109/5.726791) with BatchNorm, ReLU and max pooling.

    Args:
        classes: number of outputs.
        channels: channels of the input images.
        width: multiplier of all hidden channel counts.
        side: height and width of the images, in pixels; 16 at least.
    """

    snapshots: ClassVar[dict[str, int]] = {
        "features.conv1": 6,
        "features.pool1": 4,
        "features.pool2": 3,
    }

    def __init__(self, classes: int, channels: int = 1, width: float = 1.0, side: int = 32) -> None:
        super().__init__()
        check_side(side, 16)
        self.shape = channels, side, side
        last = ((side - 4) // 2 - 4) // 2  # after two convolutions without padding and two pools
        c6, c16, c120, c84 = (scaled(c, width) for c in (6, 16, 120, 84))
        self.features = nn.Sequential(
            OrderedDict(
                conv1=conv_block(channels, c6, 5),
                pool1=nn.MaxPool2d(2),
                conv2=conv_block(c6, c16, 5),
                pool2=nn.MaxPool2d(2),
            )
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(c16 * last * last, c120, bias=False),
            nn.BatchNorm1d(c120),
            nn.ReLU(),
            nn.Linear(c120, c84, bias=False),
            nn.BatchNorm1d(c84),
            nn.ReLU(),
            nn.Linear(c84, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """[batch, channels, side, side] -> logits, [batch, classes]."""
        check_shape(images, self.shape)
        return self.classifier(self.features(images))


class VGG8(nn.Module):
    """VGG-8 of the NeFT paper (arXiv 2305.14561): six 3 x 3 convolutions, two linear layers.

    Args:
        classes: number of outputs.
        channels: channels of the input images.
        width: multiplier of all hidden channel counts.
        side: height and width of the images, in pixels; 32 in the paper, 8 at least.
    """

    snapshots: ClassVar[dict[str, int]] = {
        "features.conv1": 6,
        "features.pool1": 4,
        "features.pool2": 3,
    }

    def __init__(self, classes: int, channels: int = 3, width: float = 1.0, side: int = 32) -> None:
        super().__init__()
        check_side(side, 8)
        self.shape = channels, side, side
        counts = [channels, *(scaled(c, width) for c in (64, 128, 256, 256, 512, 512))]
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for i in range(6):
            layers[f"conv{i + 1}"] = conv_block(counts[i], counts[i + 1], 3, padding=1)
            if i % 2:
                layers[f"pool{i // 2 + 1}"] = nn.MaxPool2d(2)
        hidden, last = scaled(1024, width), side // 8  # after three pools
        self.features = nn.Sequential(layers)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(counts[-1] * last * last, hidden),
            nn.ReLU(),
            nn.Linear(hidden, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """[batch, channels, side, side] -> logits, [batch, classes]."""
        check_shape(images, self.shape)
        return self.classifier(self.features(images))


class ResNet18(nn.Module):
    """ResNet-18 (He et al., arXiv 1512.03385) for small images: a 3 x 3 stem, no max pooling.

    The NeFT paper's snapshots "before layer k" are the outputs of the module before it.

    Args:
        classes: number of outputs.
        channels: channels of the input images.
        width: multiplier of all hidden channel counts.
        side: height and width of the images, in pixels; any will do.
    """

    snapshots: ClassVar[dict[str, int]] = {"stem": 6, "layer1": 6, "layer2": 4, "layer3": 3}

    def __init__(self, classes: int, channels: int = 3, width: float = 1.0, side: int = 32) -> None:
        super().__init__()
        self.shape = channels, side, side
        c64, c128, c256, c512 = (scaled(c, width) for c in (64, 128, 256, 512))
        self.stem = conv_block(channels, c64, 3, padding=1)
        self.layer1 = two_blocks(c64, c64, stride=1)
        self.layer2 = two_blocks(c64, c128, stride=2)
        self.layer3 = two_blocks(c128, c256, stride=2)
        self.layer4 = two_blocks(c256, c512, stride=2)
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c512, classes)
        )

    def forward(self, images: Tensor) -> Tensor:
        """[batch, channels, side, side] -> logits, [batch, classes]."""
        check_shape(images, self.shape)
        features = self.layer2(self.layer1(self.stem(images)))
        return self.classifier(self.layer4(self.layer3(features)))


def two_blocks(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Two residual blocks; the first changes size and channels, with a 1 x 1 shortcut."""
    from torchvision.models.resnet import BasicBlock  # not above: it takes seconds to import

    shortcut = None
    if stride > 1:
        shortcut = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
        )
    return nn.Sequential(
        BasicBlock(inputs, outputs, stride, shortcut), BasicBlock(outputs, outputs)
    )


NETWORKS: dict[str, type[nn.Module]] = {"lenet5": LeNet5, "vgg8": VGG8, "resnet18": ResNet18}


SIZES = ("torch", "paper")
SHAPES = ("uniform", "normal")


@dataclass(frozen=True)
class Initialisation:
    """How the weights of convolutions and linear layers start.

    - torch: as torch's layers do, uniform with variance 1 / (3 fan_in), and biases uniform within
      1 / sqrt(fan_in). max / std is 1.73.
    - paper: as the public code of NeFT (github.com/YifanQin-ND/NeFT_CIM at c86c8ad), normal with
      variance 2 / fan_out, and biases 0, in the last layer, too. max / std is 4 to 5 and, with it,
      the error of a weight relative to its size two to three times as large.

    The two differ in three things, which can be combined at will to tell them apart.

    Args:
        hidden: variance of all layers' weights but the last one's, "torch" or "paper"; biases are
            of the same kind.
        shape: of the distribution in all layers, "uniform" or "normal".
        last: variance of the last layer's weights, "torch" or "paper".

    Raises:
        ValueError: a value is unknown.
    """

    hidden: str
    shape: str
    last: str

    def __post_init__(self) -> None:
        one_of(SIZES, hidden=self.hidden, last=self.last)
        one_of(SHAPES, shape=self.shape)

    @property
    def name(self) -> str:
        """Its key in `INITIALISATIONS`: torch, paper, or shape_hidden_last."""
        if (self.hidden, self.last) == ("torch", "torch") and self.shape == "uniform":
            return "torch"
        if (self.hidden, self.last) == ("paper", "paper") and self.shape == "normal":
            return "paper"
        return f"{self.shape}_{self.hidden}_{self.last}"

    def draw(self, module: nn.Module) -> None:
        """Draw the weights of a module from torch's global generator, in place.

        The last layer is the last one in the order of `modules()`; of an `nn.ModuleList`, whose
        parts are networks of their own, the last one of each part.
        """
        parts = module if isinstance(module, nn.ModuleList) else [module]
        for part in parts:
            layers = [x for x in part.modules() if isinstance(x, nn.Conv2d | nn.Linear)]
            for layer in layers:
                self._draw_layer(layer, self.last if layer is layers[-1] else self.hidden)

    def _draw_layer(self, layer: nn.Conv2d | nn.Linear, size: str) -> None:
        area = layer.weight[0, 0].numel()
        fan_in, fan_out = (area * layer.weight.shape[axis] for axis in (1, 0))
        deviation = math.sqrt(2) / math.sqrt(fan_out)
        if size == "torch":
            deviation = math.sqrt(1 / 3) / math.sqrt(fan_in)
        if self.shape == "normal":
            nn.init.normal_(layer.weight, 0, deviation)
        else:
            bound = math.sqrt(3) * deviation
            nn.init.uniform_(layer.weight, -bound, bound)
        if layer.bias is not None and size == "torch":
            nn.init.uniform_(layer.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))
        elif layer.bias is not None:
            nn.init.zeros_(layer.bias)


INITIALISATIONS: dict[str, Initialisation] = {
    each.name: each
    for each in (Initialisation(*values) for values in product(SIZES, SHAPES, SIZES))
}
"""All eight, by name."""


def initialise(network: nn.Module, initialisation: str, seed: int) -> None:
    """Draw the weights of all convolutions and linear layers anew, in place.

    Args:
        network: any module; it keeps the initialisation's name as an attribute, for modules that a
            method trains beside it.
        initialisation: name in `INITIALISATIONS`.
        seed: of the draws.

    Raises:
        ValueError: the name is unknown.
    """
    one_of(INITIALISATIONS, initialisation=initialisation)
    with seeded("network", seed):
        INITIALISATIONS[initialisation].draw(network)
    network.initialisation = initialisation  # type: ignore[assignment]


def build(
    name: str,
    *,
    classes: int,
    channels: int,
    width: float,
    seed: int,
    side: int = 32,
    initialisation: str = "torch",
) -> nn.Module:
    """Return a network of `NETWORKS`, its weights initialised from `seed`.

    Args:
        side: height and width of the images, in pixels.
        initialisation: name in `INITIALISATIONS`.

    Raises:
        ValueError: a name is unknown, width is not positive and finite, or side too small.
    """
    positive(width=width)
    one_of(NETWORKS, network=name)
    with seeded("network", seed):
        network = NETWORKS[name](classes, channels=channels, width=width, side=side)
    initialise(network, initialisation, seed)
    return network
