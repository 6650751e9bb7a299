"""The command `neft`, the same as `python -m neft`: it starts the package's commands by name."""

import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from neft import __version__

COMMANDS = {
    "characterize": (
        "neft.characterize.__main__",
        "make the tables of your own devices from their reads, and say which model they support",
    ),
    "download": ("neft.data.download", "download a data set"),
    "run": ("neft.pipeline.run", "run the pipeline, from measured data to figures"),
    "verify": ("neft.pipeline.verify", "compare a finished run with the published results"),
    "publish": ("neft.pipeline.publish", "make a finished run's results those that git tracks"),
    "release": ("neft.pipeline.release", "put a run's networks into the package, with model cards"),
    "bundle": ("neft.characterize.bundled", "rebuild the package's measured tables from raw reads"),
}
"""Name of each command -> the module with its `main`, and what it does."""

HELP = "\n".join(
    [
        "usage: neft COMMAND ...",
        "       neft --version",
        "",
        "commands (neft COMMAND --help says more):",
        *(f"  {name:14}{what}" for name, (_, what) in COMMANDS.items()),
    ]
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Start a command; an unknown one ends in one line, with exit status 2.

    A command is imported only when it is called: `neft --help` does not wait for torch.

    Args:
        arguments: name of the command and its own arguments; those of the process if None.
    """
    name, *others = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in ("-h", "--help"):
        print(HELP)
    elif name == "--version":
        print(f"neft {__version__}")
    elif name in COMMANDS:
        _module(name).main(others)
    else:
        known = ", ".join(COMMANDS)
        print(f"error: command must be one of {known}, got {name!r}", file=sys.stderr)
        sys.exit(2)


def _module(command: str) -> ModuleType:
    """Import a command's module; one of the pipeline may need what the base install has not."""
    try:
        return import_module(COMMANDS[command][0])
    except ModuleNotFoundError as error:
        if (error.name or "neft").partition(".")[0] == "neft":
            raise
        rule = f"must be installed for neft {command}: pip install 'neft[pipeline]'"
        sys.exit(f"error: {error.name} {rule}")


if __name__ == "__main__":
    main()
