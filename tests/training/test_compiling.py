"""Laws of compiled training: it is the training, and where it cannot be, it says so."""

import shutil
from dataclasses import replace

import pytest
import torch
from helpers.training import METHODS, noisy, setting
from torch import nn

from neft.pipeline.parameters import Compute
from neft.training.compiling import check_compiler, compiled

needs_compiler = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")), reason="needs a C++ compiler"
)


@needs_compiler
@pytest.mark.parametrize("name", ["noise_injection", "irs"])
def test_a_compiled_network_has_the_losses_and_gradients_of_the_eager_one(name: str) -> None:
    """IRS takes snapshots by hooks, which compiled code ignores: it runs eagerly."""
    found = []
    for compile in (False, True):
        net, inputs, labels = setting("lenet5", batch=8)
        heads = METHODS[name].auxiliary(net, inputs)
        for parameter in heads.parameters():
            nn.init.constant_(parameter, 0.01)
        forward = replace(noisy(net), call=compiled(net) if compile else None)
        loss = METHODS[name].loss(forward, heads, inputs, labels)
        loss.backward()
        found.append([loss.detach(), *(p.grad for p in net.parameters())])
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-5)


def test_compiling_without_a_compiler_is_refused_at_once(monkeypatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ValueError, match=r"needs a C\+\+ compiler \(g\+\+ or clang\+\+\)"):
        check_compiler(torch.device("cpu"))
    with pytest.raises(ValueError, match="compiler"):
        Compute(device="cpu", mixed_precision=False, compile=True)
    assert not Compute(device="cpu", mixed_precision=False).machine.compile
