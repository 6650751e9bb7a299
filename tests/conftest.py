"""What several tests share: a data set small enough to train on in a second."""

import pytest
import torch
from torch.utils.data import TensorDataset

from neft.datasets import Splits
from neft.seeding import generator


@pytest.fixture(scope="session")
def tiny() -> Splits:
    """Three classes of noisy 32 x 32 patterns; 96, 30 and 30 images."""
    draw = generator("tiny")
    patterns = torch.randn(3, 1, 32, 32, generator=draw)

    def part(n: int) -> TensorDataset:
        labels = torch.arange(n) % 3
        noise = torch.randn(n, 1, 32, 32, generator=draw)
        return TensorDataset(patterns[labels] + noise, labels)

    return Splits(part(96), part(30), part(30), classes=3)
