"""Trained networks that come with the package, each with a model card, NAME.md.

`neft release` writes both.
"""

from pathlib import Path

from torch import nn

from neft._utils.checks import one_of
from neft.evaluation import load_trained

FOLDER = Path(__file__).parent


def network_names() -> list[str]:
    """List the trained networks that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def load_network(name: str) -> nn.Module:
    """Load a trained network that comes with the package, in evaluation mode.

    Args:
        name: of a network in neft/pretrained; its card, NAME.md, says how it was trained and how
            accurate it is.

    Raises:
        ValueError: there is no such network; the message lists those that there are.

    Examples:
        >>> load_network("vgg8_mnist5k_ovf").shape
        (1, 16, 16)
    """
    one_of(network_names(), name=name)
    return load_trained(FOLDER / f"{name}.safetensors")[0]
