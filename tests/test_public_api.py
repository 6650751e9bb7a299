"""What users import is there, is documented, and is what README shows."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import neft

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
PUBLIC = """Hardware program train compare Schedule Method NoiseInjection ScaledLogits CorrectNet
RightCensored Distillation SharpnessAware ParameterAttack OVF IRS accuracy_over_chips
logits_over_chips Recalibration WriteVerify
load_dataset load_network split_datasets split_tensors""".split()  # noqa: SIM905


def test_all_is_the_public_list() -> None:
    assert sorted(neft.__all__) == sorted(PUBLIC)
    assert re.fullmatch(r"\d+\.\d+\.\d+", neft.__version__)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_says_what_it_takes(name: str) -> None:
    documented = inspect.getdoc(getattr(neft, name)) or ""
    assert "Args:" in documented or name in ("NoiseInjection", "ScaledLogits")
    assert len(documented.splitlines()[0]) > 20


def test_readme_needs_one_line_of_imports() -> None:
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert examples
    for example in examples:
        nodes = [n for n in ast.walk(ast.parse(example)) if isinstance(n, ast.ImportFrom)]
        ours = [n for n in nodes if (n.module or "").split(".")[0] == "neft"]
        assert [n.module for n in ours] == ["neft"]
        assert {alias.name for alias in ours[0].names} <= set(PUBLIC)
