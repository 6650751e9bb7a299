"""The training loop of all methods: noisy steps, noisy validation, best epoch, resuming."""

import math
from collections.abc import Sized
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from neft._utils import checkpoints
from neft._utils.allocator import keep_freed_memory
from neft._utils.checks import fraction, positive
from neft._utils.seeding import generator, seeded
from neft.chip import (
    Execution,
    Hardware,
    Periphery,
    Where,
    fast_execution,
    fast_layers,
    on_devices,
)
from neft.data.datasets import Splits
from neft.data.loading import batches
from neft.training.base import Method
from neft.training.compiling import check_compiler, compiled
from neft.training.noisy_forward import NoisyForward
from neft.training.periphery import TrainedPeriphery
from neft.training.validation import validation_accuracy


@dataclass(frozen=True)
class Schedule:
    """Length and learning rate of training: Adam with a cosine schedule, one step per epoch.

    Args:
        epochs: passes over the training part.
        batch_size: images per step.
        learning_rate: of the first epoch.
        validation_chips: number of chips for the validation after each epoch, which share the
            validation part among them.

    Raises:
        ValueError: a value is not positive and finite.
    """

    epochs: int
    batch_size: int = 128
    learning_rate: float = 1e-3
    validation_chips: int = 5

    def __post_init__(self) -> None:
        positive(**vars(self))

    def learning_rate_at(self, epoch: int) -> float:
        """Cosine from `learning_rate` towards 0 (Loshchilov and Hutter, arXiv 1608.03983)."""
        return self.learning_rate * (1 + math.cos(math.pi * epoch / self.epochs)) / 2


def train(
    network: nn.Module,
    method: Method,
    data: Splits,
    hardware: Hardware,
    sigma_d: float,
    schedule: Schedule,
    *,
    seed: int,
    where: Where = on_devices,
    periphery: Periphery | None = None,
    execution: Execution | None = None,
    state: Path | None = None,
    mixed_precision: bool = False,
    compile: bool = False,
    progress: bool = True,
) -> pd.DataFrame:
    """Train a network in place and leave it with the weights of its best epoch.

    The best epoch has the highest accuracy on the validation part over chips at sigma_d
    (`neft.training.validation`), the same chips after each epoch; of equally good epochs, the
    first. All randomness comes from
    `seed`: with `state`, a killed run continues after its last finished epoch and ends with the
    same bits. Training that diverges, to a loss that is not finite, stops there: the network gets
    the weights of its best epoch, or the initial ones if there was none.

    Args:
        network: any module, on the device to train on.
        method: turns a batch into a loss.
        data: training and validation parts; the test part is not touched.
        hardware: devices and bits.
        sigma_d: standard deviation of a device's error, fraction of its full range, 0 to 1.
        schedule: epochs, batch size, learning rate.
        seed: of the data order, the errors and the method's auxiliary modules.
        where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).
        periphery: what stands around the devices in training and validation, compensation apart:
            each pass is one read, and ranges that are not learned are set anew for each epoch
            (`neft.training.periphery`). None for the devices alone.
        execution: memory format of the images, and images per forward pass of the validation; None
            for what is fast (`neft.chip.execution`).
        state: file to which the run is saved after every epoch; read first if it exists.
        mixed_precision: compute the losses in bfloat16 where that is safe (`torch.autocast`).
            Weights are stored and programmed, and epochs validated, in float32.
        compile: compile the network's training passes (see `neft.training.compiling`).
        progress: show a progress bar over the epochs.

    Returns:
        History, one row per epoch: epoch, learning_rate, train_loss, validation_accuracy (a
        fraction). If training diverged, the last two are NaN in the last row.

    Raises:
        ValueError: sigma_d is not in [0, 1], `state` is not a checkpoint of this run,
            compile is asked for without a compiler or with converters, the network was not
            initialised as the method needs it, or the periphery does not apply to it.
    """
    _check_kinds(method, data, hardware, schedule)
    fraction(sigma_d=sigma_d)
    periphery = periphery or Periphery()
    if compile and not periphery.converters.exact:
        raise ValueError(f"compile must be false with converters, got {compile}")
    if compile:
        check_compiler(next(network.parameters()).device)
    own = getattr(network, "initialisation", None)
    if method.initialisation not in (None, own):
        rule = f"must be {method.initialisation}, as the method says (neft.networks.initialise)"
        raise ValueError(f"initialisation of the network {rule}, got {own}")
    keep_freed_memory()
    execution = execution or fast_execution(network, data.validation.tensors[0][:1])
    around = TrainedPeriphery(network.train(), periphery, data.train, where)
    run = _Run(network, method, data, seed, where, around, execution, mixed_precision, compile)
    if state is not None and state.exists():
        run.restore(state)
    first = len(run.history)
    epochs = range(first, first if run.diverged else schedule.epochs)
    for epoch in tqdm(epochs, "epochs", initial=first, total=schedule.epochs, disable=not progress):
        rate = schedule.learning_rate_at(epoch)
        loss = run.epoch(epoch, rate, hardware, sigma_d, schedule)
        accuracy = math.nan
        if math.isfinite(loss):
            with around.around(training=False):
                accuracy = validation_accuracy(
                    network, data.validation, hardware, sigma_d, chips=schedule.validation_chips,
                    execution=execution, where=where, deploy=around.deploy,
                )  # fmt: skip
        run.record(epoch=epoch, learning_rate=rate, train_loss=loss, validation_accuracy=accuracy)
        if state is not None:
            run.keep(state)
        if run.diverged:
            break
    run.finish()
    return pd.DataFrame(run.history)


def _check_kinds(method: object, data: object, hardware: object, schedule: object) -> None:
    kinds = (
        ("method", method, Method, "a method, as NoiseInjection()"),
        ("data", data, Splits, "Splits (neft.split_datasets)"),
        ("hardware", hardware, Hardware, 'Hardware, as Hardware.load("RRAM4")'),
        ("schedule", schedule, Schedule, "a Schedule, as Schedule(epochs=5)"),
    )
    for name, value, kind, rule in kinds:
        if not isinstance(value, kind):
            got = value.__name__ if isinstance(value, type) else type(value).__name__
            raise ValueError(f"{name} must be {rule}, got {got}")


class _Run:
    """The state of a training run, and how it is saved and restored."""

    def __init__(
        self,
        network: nn.Module,
        method: Method,
        data: Splits,
        seed: int,
        where: Where,
        around: TrainedPeriphery,
        execution: Execution,
        mixed_precision: bool,
        compile: bool,
    ) -> None:
        self.network, self.method, self.data, self.seed = network, method, data, seed
        self.where, self.around, self.execution = where, around, execution
        self.call = compiled(network) if compile else None
        self.device = next(network.parameters()).device
        self.autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=mixed_precision)
        example = data.validation.tensors[0][:1].to(self.device)
        with seeded("auxiliary", seed):
            self.auxiliary = method.auxiliary(network, example).to(self.device)
        self.optimizer = torch.optim.Adam(
            [*network.parameters(), *self.auxiliary.parameters(), *around.bounds],
            fused=self.device.type in ("cpu", "cuda", "mps"),
        )
        self.history: list[dict[str, float]] = []
        self.best, self.best_ranges = self._weights(), self._ranges()

    def epoch(
        self, epoch: int, rate: float, hardware: Hardware, sigma_d: float, schedule: Schedule
    ) -> float:
        """Train one pass over the data; return the mean loss, NaN if it diverged."""

        def stream(purpose: str, device: torch.device | str = self.device) -> torch.Generator:
            return generator(purpose, self.seed, epoch, device=device)

        forward = NoisyForward(
            self.network, hardware, sigma_d, stream("backbone"), stream("feedback"),
            self.where, self.call, self.around.periphery.read_noise,
        )  # fmt: skip
        sizes = stream("sigma_d", "cpu")
        loader = batches(self.data.train, schedule.batch_size, generator=stream("order", "cpu"))
        steps = math.ceil(len(cast(Sized, self.data.train)) / schedule.batch_size)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.network.train()
        total, images = 0.0, 0
        # Compiled code ignores hooks, and makes its own fast layers.
        layers = nullcontext() if self.call else fast_layers(self.network)
        around = self.around.around(training=True)
        with around, seeded("layers", self.seed, epoch), layers:
            for step, (inputs, labels) in enumerate(loader):
                progress = (epoch + step / steps) / schedule.epochs
                forward = forward.at(self.method.sigma_d_at(sigma_d, progress, sizes))
                inputs = self.execution.formatted(inputs.to(self.device))
                labels = labels.to(self.device)
                self.optimizer.zero_grad()
                with self.autocast:
                    loss = self.method.step_loss(forward, self.auxiliary, inputs, labels, progress)
                if not loss.isfinite():
                    return math.nan
                loss.backward()
                self.optimizer.step()
                if progress >= self.method.pretraining:
                    self.method.after_step(forward, self.auxiliary)
                self.around.after_step()
                total += loss.item() * len(labels)
                images += len(labels)
        self.around.keep()
        return total / images

    def record(self, **row: float) -> None:
        """Append to the history; copy the network's weights if they are the best so far."""
        best = max((r["validation_accuracy"] for r in self.history), default=-1.0)
        self.history.append(row)
        if row["validation_accuracy"] > best:
            self.best, self.best_ranges = self._weights(), self._ranges()

    def finish(self) -> None:
        """Give the network what it had in its best epoch."""
        self.network.load_state_dict(self.best)
        self.around.bounds.load_state_dict(self.best_ranges)
        self.around.keep()

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self.network.state_dict().items()}

    def _ranges(self) -> dict[str, Tensor]:
        return {name: bound.clone() for name, bound in self.around.bounds.state_dict().items()}

    @property
    def diverged(self) -> bool:
        """Whether the last epoch's loss was not finite."""
        return bool(self.history) and not math.isfinite(self.history[-1]["train_loss"])

    def keep(self, path: Path) -> None:
        """Write everything that the next epoch depends on."""
        tensors = {
            **checkpoints.prefixed("network", self.network.state_dict()),
            **checkpoints.prefixed("best", self.best),
            **checkpoints.prefixed("ranges", self.around.bounds.state_dict()),
            **checkpoints.prefixed("best_ranges", self.best_ranges),
            **checkpoints.prefixed("auxiliary", self.auxiliary.state_dict()),
            **checkpoints.prefixed("optimizer", checkpoints.optimizer_tensors(self.optimizer)),
        }
        checkpoints.save(path, tensors, history=self.history)

    def restore(self, path: Path) -> None:
        """Read what `keep` wrote."""
        tensors, header = checkpoints.load(path)
        try:
            self.history = header["history"]
            self.best = checkpoints.under("best", tensors)
            self.best_ranges = checkpoints.under("best_ranges", tensors)
            self.around.bounds.load_state_dict(checkpoints.under("ranges", tensors))
            self.around.keep()
            self.network.load_state_dict(checkpoints.under("network", tensors))
            self.auxiliary.load_state_dict(checkpoints.under("auxiliary", tensors))
            checkpoints.restore_optimizer(self.optimizer, checkpoints.under("optimizer", tensors))
        except (KeyError, RuntimeError) as error:
            raise ValueError(f"{path}: not a state of this training run: {error}") from error
