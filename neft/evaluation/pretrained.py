"""The trained networks that come with the package."""

from pathlib import Path

from torch import nn

from neft._utils.checks import one_of
from neft.evaluation.grid import load_trained

FOLDER = Path(__file__).parents[1] / "pretrained"
"""Networks of the default run, each with a model card; `neft.pipeline.release` writes them."""


def load_network(name: str) -> nn.Module:
    """Load a trained network, in evaluation mode.

    Args:
        name: of a file in neft/pretrained; its model card beside it says what it learnt.

    Raises:
        ValueError: there is no such network; names those that there are.

    Example:
        >>> load_network("vgg8_mnist5k_ovf").classifier[-1].out_features
        10
    """
    paths = {path.stem: path for path in sorted(FOLDER.glob("*.safetensors"))}
    one_of(paths, name=name)
    return load_trained(paths[name])[0]
