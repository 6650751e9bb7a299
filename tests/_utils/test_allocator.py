"""Law of the allocator: what one step frees, the next one gets without the system's help."""

import subprocess
import sys

import pytest

STEPS = """
import resource, torch
from neft._utils.allocator import keep_freed_memory
{call}
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def step(): torch.ones(10_000_000) + torch.ones(10_000_000)
for _ in range(5): step()  # until the heap has grown to what a step needs
before = faults()
for _ in range(5): step()
print(faults() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_freed_memory_is_used_again_without_page_faults() -> None:
    def faults(call: str) -> int:
        command = [sys.executable, "-c", STEPS.format(call=call)]
        return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    assert faults("keep_freed_memory()") < faults("") / 4
