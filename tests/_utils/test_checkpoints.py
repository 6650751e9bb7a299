"""Laws of checkpoints: what is saved is loaded, and other files are refused."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from neft._utils import checkpoints

TENSORS = {
    "a.weight": torch.tensor([[1.0, -0.0], [float("inf"), 1e-45]]),
    "a.count": torch.tensor(2**62 + 1),
    "empty": torch.zeros(0, 3),
}
HEADER = {"epoch": 3, "loss": 0.1, "name": "σ_d", "history": [0.5, 0.25], "best": None, "ok": True}


def bits(tensor: Tensor) -> bytes:
    return tensor.detach().contiguous().numpy().tobytes()


def test_loading_returns_the_saved_tensors_and_header(tmp_path: Path) -> None:
    checkpoints.save(tmp_path / "new" / "c.safetensors", TENSORS, **HEADER)
    tensors, header = checkpoints.load(tmp_path / "new" / "c.safetensors")
    assert header == HEADER
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert (tensors[name].dtype, tensors[name].shape) == (tensor.dtype, tensor.shape)
        assert bits(tensors[name]) == bits(tensor)


def test_views_and_parameters_are_saved_by_their_values(tmp_path: Path) -> None:
    parameter = nn.Parameter(torch.arange(6.0).reshape(2, 3))
    checkpoints.save(tmp_path / "c", {"turned": parameter.T, "column": parameter[:, 1]})
    tensors, _ = checkpoints.load(tmp_path / "c")
    assert tensors["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert tensors["column"].tolist() == [1, 4]


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    header = {f"key{i}": i for i in range(100)}
    contents = set()
    for i, tensors in enumerate((TENSORS, dict(reversed(TENSORS.items()))) * 5):
        checkpoints.save(tmp_path / str(i), tensors, **header)
        contents.add((tmp_path / str(i)).read_bytes())
    assert len(contents) == 1


def test_truncated_and_other_files_are_refused_by_name(tmp_path: Path) -> None:
    checkpoints.save(tmp_path / "whole", TENSORS, **HEADER)
    content = (tmp_path / "whole").read_bytes()
    shares = (0.0, 0.01, 0.5, 0.999)
    for share in shares:
        (tmp_path / f"cut to {share}").write_bytes(content[: int(share * len(content))])
    (tmp_path / "text").write_text("a longer text than the eight bytes of a header's length")
    torch.save(TENSORS, tmp_path / "pickle")
    save_file(TENSORS, tmp_path / "bare")
    save_file(TENSORS, tmp_path / "other", {"header": "no JSON"})
    (tmp_path / "folder").mkdir()
    cut = (f"cut to {share}" for share in shares)
    for name in (*cut, "text", "pickle", "bare", "other"):
        with pytest.raises(ValueError, match=f"{name}: not a checkpoint"):
            checkpoints.load(tmp_path / name)
    for name in ("folder", "missing"):
        with pytest.raises(ValueError, match=f"{name}: must be a file, got"):
            checkpoints.load(tmp_path / name)


@pytest.mark.parametrize(("epoch", "error"), [(object(), TypeError), (2, OSError)])
def test_a_header_that_is_not_json_or_a_full_disk_keeps_the_old_file(
    epoch: object, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(_tensors: object, path: Path, _metadata: object) -> None:
        path.write_bytes(b"half of the ne")
        raise OSError("no space left on device")

    checkpoints.save(tmp_path / "c", TENSORS, epoch=1)
    monkeypatch.setattr(checkpoints, "save_file", half)
    with pytest.raises(error, match=r"JSON|no space"):
        checkpoints.save(tmp_path / "c", TENSORS, epoch=epoch)
    assert checkpoints.load(tmp_path / "c")[1] == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [tmp_path / "c"]


def test_under_undoes_prefixed_and_takes_whole_names_only() -> None:
    both = checkpoints.prefixed("net", TENSORS) | checkpoints.prefixed("network", TENSORS)
    assert len(both) == 2 * len(TENSORS)
    assert checkpoints.under("net", both) == TENSORS


def steps(network: nn.Module, optimizer: torch.optim.Optimizer, seeds: range) -> None:
    for seed in seeds:
        inputs = torch.randn(8, 4, generator=torch.Generator().manual_seed(seed))
        optimizer.zero_grad()
        network(inputs).square().sum().backward()
        optimizer.step()


def test_a_restored_adam_continues_with_the_same_bits(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    steps(network, optimizer, range(3))
    tensors = checkpoints.prefixed("network", network.state_dict())
    tensors |= checkpoints.prefixed("optimizer", checkpoints.optimizer_tensors(optimizer))
    checkpoints.save(tmp_path / "c", tensors)
    steps(network, optimizer, range(3, 6))

    tensors, _ = checkpoints.load(tmp_path / "c")
    resumed = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    resumed.load_state_dict(checkpoints.under("network", tensors))
    again = torch.optim.Adam(resumed.parameters(), lr=0.1)
    checkpoints.restore_optimizer(again, checkpoints.under("optimizer", tensors))
    steps(resumed, again, range(3, 6))
    for a, b in zip(network.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert bits(a) == bits(b)
