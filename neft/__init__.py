"""Negative feedback training: neural networks that survive the analog hardware they run on.

The rooms, each above those that it uses: `devices` and `characterize` (how a memory device errs,
from measurements), `chip` (a network on devices), `data` and `networks`, `training`, `evaluation`
(networks on many chips), `pretrained` (trained networks to load), `statistics`, `figures`,
`explore` (trained networks on chips, with sliders), and `pipeline`, which runs them all.
"""

from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

__version__ = version("neft")

if TYPE_CHECKING:
    from neft._public import *  # noqa: F403
else:

    def __getattr__(name: str) -> object:
        """Import a room or a public name at its first use, so that commands start without torch."""
        if not name.startswith("_") and find_spec(f"neft.{name}"):
            return import_module(f"neft.{name}")
        if name == "__all__" or (not name.startswith("_") and name in __dir__()):
            return getattr(import_module("neft._public"), name)
        raise AttributeError(f"module 'neft' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return [*globals(), *import_module("neft._public").__all__]
