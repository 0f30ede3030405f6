"""Time both forms step by step in turn, each in a process of its own."""

import multiprocessing
from contextlib import suppress
from typing import Any

import torch

from onboard.errors import InputError
from train.stepbench import floor
from train.stepbench.forms import Form, build
from train.stepbench.worker import Task, work

_WARM_UP = 1  # turns
_STEPS = 2  # a turn; the last is timed: in training a step follows its like, not another process that left the caches
_CHECKED = 3  # first steps whose losses are compared: later, rounding has been amplified by the training itself


class Samples:
    """What was measured; lists go over the timed steps, except `losses`, which go over all."""

    def __init__(self) -> None:
        self.losses: dict[Form, list[dict[str, float]]] = {"ours": [], "materialised": []}
        self.phases: dict[Form, list[dict[str, float]]] = {"ours": [], "materialised": []}
        self.peak_bytes: dict[Form, int] = {}
        self.floor_bytes = 0
        self.bandwidth = 0.0

    def seconds(self, form: Form) -> list[float]:
        """Of each timed step."""
        return [sum(phases.values()) for phases in self.phases[form]]

    def loss_difference(self) -> float:
        """The largest relative difference between the forms in any of the losses of the first steps.

        Not the total alone: the classification and the contrast, which see the pseudo-anomalies, are small in it.
        """
        pairs = list(zip(self.losses["ours"], self.losses["materialised"], strict=True))[:_CHECKED]
        return max(
            abs(ours[name] - theirs[name]) / max(abs(theirs[name]), 1e-30) for ours, theirs in pairs for name in ours
        )


def compare(task: Task, repeats: int) -> Samples:
    """Alternate between the forms, `repeats` timed steps each, after a warm-up.

    Raises:
        InputError: a process ended before its time, as for want of memory.
    """
    samples = Samples()
    with torch.device("meta"):
        samples.floor_bytes = floor.bytes_of(build("ours", task.settings, task.dim, task.seed))
    bandwidth = floor.Bandwidth(task.device)
    with _Process("ours", task) as ours, _Process("materialised", task) as materialised:
        for repeat in range(_WARM_UP + repeats):
            bandwidth.measure()
            for process in (ours, materialised):
                for _ in range(_STEPS):
                    losses, phases = process.ask("step")
                    samples.losses[process.form].append(losses)
                if repeat >= _WARM_UP:
                    samples.phases[process.form].append(phases)
        samples.peak_bytes = {process.form: process.ask("peak") for process in (ours, materialised)}
    samples.bandwidth = bandwidth.best
    return samples


class _Process:
    """A worker, which ends with the block."""

    def __init__(self, form: Form, task: Task) -> None:
        # spawn: a forked process would begin with this one's memory, and cannot use a GPU that this one does.
        context = multiprocessing.get_context("spawn")
        self.form = form
        self._pipe, far = context.Pipe()
        self._process = context.Process(target=work, args=(far, form, task), daemon=True)
        self._process.start()
        far.close()  # so that the end of the worker is seen as the end of the pipe

    def ask(self, what: str) -> Any:
        try:
            self._pipe.send(what)
            return self._pipe.recv()
        except (EOFError, ConnectionError) as error:
            self._process.join(5)
            raise InputError(
                f"the process of the {self.form} form ended (exit code {self._process.exitcode}), perhaps for want of "
                "memory; take a smaller --batch or --dim"
            ) from error

    def __enter__(self) -> "_Process":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            with suppress(ConnectionError):
                self._pipe.send("stop")
            self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
