"""What tests of several rooms share."""

import matplotlib
import pytest
import torch
from torch.utils.data import TensorDataset

from neft._utils.seeding import generator
from neft.data import datasets
from neft.data.datasets import Splits

matplotlib.use("Agg")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file first: with several processes it would be waited for at the end."""
    items.sort(key=lambda item: item.path.name != "test_pipeline.py")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """As in tasks: how sums are split over threads changes their last bits."""
    torch.set_num_threads(1)


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


@pytest.fixture
def one_process(monkeypatch, tiny: Splits) -> None:
    """Tasks run here, on the tiny data, which other processes would not know."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    monkeypatch.setitem(datasets.DATASETS, "tiny", lambda folder: tiny)
