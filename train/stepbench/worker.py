"""A process that makes training steps of one form when told to, so that its peak memory is that form's alone."""

from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from train.plume.config import PlumeSettings
from train.plume.descent import descend
from train.plume.lean_adamw import LeanAdamW
from train.stepbench.forms import Form, build, draw_features

_LEARNING_RATE, _WEIGHT_DECAY = 1e-5, 0.01


@dataclass(frozen=True)
class Task:
    """What both forms train on: D = `dim` features in batches of `batch`, from one seed, on one device."""

    settings: PlumeSettings
    batch: int
    dim: int
    seed: int
    device: str
    threads: int


class Trainer:
    """One form's model and optimiser, on the same weights, batch and noise as the other's."""

    def __init__(self, form: Form, task: Task, dtype: torch.dtype = torch.float32) -> None:
        self.model = build(form, task.settings, task.dim, task.seed).to(task.device, dtype).train()
        self.optimiser = LeanAdamW(self.model, _LEARNING_RATE, _WEIGHT_DECAY)
        self.model.watch(self.optimiser)
        self.features = draw_features(task.batch, task.dim, task.seed).to(task.device, dtype)
        self._draws = torch.Generator().manual_seed(task.seed)

    def step(self) -> tuple[dict[str, float], dict[str, float]]:
        """One step: each of its losses, and seconds in each part."""
        noise = self.model.draw_noise(len(self.features), self._draws)
        self.model.begin()
        losses = descend(self.model, self.optimiser, self.features, noise)
        seconds = self.model.seconds()
        return {name: float(value.detach()) for name, value in vars(losses).items()}, seconds


def work(connection: Connection, form: Form, task: Task) -> None:
    """Answer `step` and `peak` until `stop`: the body of the process."""
    torch.set_num_threads(task.threads)
    trainer = Trainer(form, task)
    while (asked := connection.recv()) != "stop":
        connection.send(trainer.step() if asked == "step" else _peak(task.device))


def _peak(device: str) -> int:
    """Bytes: of the GPU's memory that tensors took at most, or of this whole process at most."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    # Not getrusage: its maximum outlives exec, so that a child would begin with its parent's.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status names no VmHWM")
