"""Training of PLUME: AdamW under one one-cycle schedule over the whole run, resumable at any epoch."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR
from tqdm import tqdm

from onboard.errors import InputError
from train.config import FitOptions
from train.interrupt import Interruptible
from train.plume.average import Average
from train.plume.batches import Batches
from train.plume.config import PlumeSettings
from train.plume.descent import descend
from train.plume.lean_adamw import LeanAdamW
from train.plume.model import Plume
from train.plume.preparation import fit_whitening
from train.plume.range_test import range_test
from train.saving import save


@dataclass
class Trained:
    """What training leaves.

    Attributes:
        model: after the last epoch, in evaluation mode; with the averaged classifier where `ema` asks for one.
        learning_rate: the schedule's maximum.
        history: mean of each loss, by epoch.
        watched: logits of the watched features after each epoch, float32 [epochs, M].
    """

    model: Plume
    learning_rate: float
    history: list[dict[str, float]] = field(default_factory=list)
    watched: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))


def train(
    features: Tensor,
    settings: PlumeSettings,
    options: FitOptions,
    seed: int,
    device: torch.device,
    watched: Tensor,
    checkpoint: Path | None = None,
) -> Trained:
    """Fit PLUME to normal features.

    No label enters: `watched` features (the test set's) are only scored after each epoch, so that an evaluation can
    show what the choice of the best epoch by labels, the paper's protocol, would have given.

    Args:
        features: normal, N x F, N >= 2.
        settings: PLUME's.
        options: epochs, batch, learning rate.
        seed: initial weights, order of batches, noise.
        device: where to train.
        watched: M x F.
        checkpoint: where to keep the state of an unfinished run; one that is there already is gone on from.

    Raises:
        InputError: fewer than two samples, features that are not finite, or a loss that became so.
    """
    if len(features) < 2:
        raise InputError(f"{len(features)} normal training samples: at least 2 are needed")
    if not bool(torch.isfinite(features).all()):
        raise InputError("the training features hold NaN or infinite values; check images and weights")
    model = build(features, settings, seed).to(device)
    features, watched = features.to(device), watched.to(device)
    run = _Run(model, features, options, seed, checkpoint)
    progress = tqdm(total=options.epochs, initial=run.epoch, desc="PLUME", unit="epoch", disable=None)
    with progress, Interruptible() as interrupt:
        while run.epoch < options.epochs:
            losses = run.one_epoch(features, watched, interrupt)
            progress.set_postfix(loss=f"{losses['total']:.3f}")
            progress.update()
    if run.average is not None:
        model.classifier = run.average.classifier
    stacked = np.stack(run.logits) if run.logits else np.zeros((0, len(watched)), np.float32)
    return Trained(model.eval(), run.learning_rate, run.history, stacked)


def build(features: Tensor, settings: PlumeSettings, seed: int) -> Plume:
    """PLUME with its seeded initial weights and, where asked for, a whitening fitted to the features, N x F."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Plume(features.shape[1], settings)
    if settings.whiten:
        model.preparation.norm = fit_whitening(model.preparation.pool(features))
    return model


class _Run:
    """The state that a checkpoint holds: saved between steps, so that a run that goes on gives the same result."""

    def __init__(self, model: Plume, features: Tensor, options: FitOptions, seed: int, checkpoint: Path | None) -> None:
        self.model, self.options, self.checkpoint = model, options, checkpoint
        self.batches = Batches(len(features), options.batch, seed)
        self.history: list[dict[str, float]] = []
        self.logits: list[npt.NDArray[np.float32]] = []
        self.sums: dict[str, Tensor] = {}
        self.saved_at = time.monotonic()
        saved = _read(checkpoint)
        try:
            self._begin(features, seed, saved)
        except (KeyError, ValueError, RuntimeError, AttributeError) as error:
            if saved is None:
                raise
            raise InputError(
                f"{checkpoint}: not a checkpoint of this run ({type(error).__name__}); remove it to begin again"
            ) from error

    def _begin(self, features: Tensor, seed: int, saved: dict[str, Any] | None) -> None:
        options = self.options
        if saved is not None:
            self.learning_rate: float = saved["learning_rate"]
        elif options.learning_rate == "auto":
            steps, decay = options.range_test_steps, options.weight_decay
            self.learning_rate = range_test(self.model, features, options.batch, steps, decay, seed)
        else:
            self.learning_rate = options.learning_rate
        self.optimiser = LeanAdamW(self.model, self.learning_rate, options.weight_decay)
        total = options.epochs * len(self.batches)
        self.schedule = OneCycleLR(self.optimiser, max_lr=self.learning_rate, total_steps=max(2, total))
        ema = self.model.settings.ema
        self.average = Average(self.model.classifier, ema) if ema else None
        if saved is not None:
            self._restore(saved)

    @property
    def epoch(self) -> int:
        return len(self.history)

    def one_epoch(self, features: Tensor, watched: Tensor, interrupt: Interruptible) -> dict[str, float]:
        """Train to the end of the epoch, and score the watched features; gives the mean of each loss.

        Raises:
            KeyboardInterrupt: Ctrl-C; the state is saved.
        """
        self.model.train()
        for rows in self.batches.epoch():
            self._step(features[rows])
            if interrupt.asked:
                self.save()
                raise KeyboardInterrupt
            if time.monotonic() - self.saved_at > self.options.checkpoint_every_s:
                self.save()
        means = {name: float(value) / len(self.batches) for name, value in self.sums.items()}
        self.sums = {}
        if not np.isfinite(means["total"]):
            raise InputError(
                f"the loss became {means['total']} in epoch {self.epoch + 1} at a maximum learning rate of "
                f"{self.learning_rate:.2e}; set a lower fit.learning_rate"
            )
        self.history.append(means)
        self.logits.append(self._score(features, watched))
        return means

    def _step(self, features: Tensor) -> None:
        noise = self.model.draw_noise(len(features), self.batches.generator)
        losses = descend(self.model, self.optimiser, features, noise)
        self.schedule.step()
        if self.average is not None:
            self.average.update(self.model.classifier)
        for name, value in vars(losses).items():
            self.sums[name] = self.sums.get(name, torch.zeros_like(value)) + value.detach()

    def _score(self, features: Tensor, watched: Tensor) -> npt.NDArray[np.float32]:
        if self.average is None:
            return _score(self.model, watched)
        self.average.measure(self.model, features, self.options.batch, self.batches.seed)
        with self.average.inside(self.model):
            return _score(self.model, watched)

    def save(self) -> None:
        if self.checkpoint is None:
            return
        state = {
            "learning_rate": self.learning_rate,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "batches": self.batches.state_dict(),
            "sums": self.sums,
            "history": self.history,
            "logits": torch.from_numpy(np.stack(self.logits)) if self.logits else torch.zeros(0, 0),
        }
        if self.average is not None:
            state["average"] = self.average.state_dict()
        try:
            save(self.checkpoint, state)
        except OSError as error:  # a full disk must not cost the training, which may still end well
            tqdm.write(f"warning: {self.checkpoint}: no checkpoint could be written ({error.strerror})")
        self.saved_at = time.monotonic()

    def _restore(self, saved: dict[str, Any]) -> None:
        self.model.load_state_dict(saved["model"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.schedule.load_state_dict(saved["schedule"])
        self.batches.load_state_dict(saved["batches"])
        if self.average is not None:
            self.average.load_state_dict(saved["average"])
        self.sums = {name: value.to(self.model.temperature.device) for name, value in saved["sums"].items()}
        self.history = saved["history"]
        self.logits = list(saved["logits"].numpy())


def _read(checkpoint: Path | None) -> dict[str, Any] | None:
    if checkpoint is None or not checkpoint.exists():
        return None
    try:
        saved: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is no checkpoint
        raise InputError(f"{checkpoint}: damaged ({type(error).__name__}); remove it to begin the run again") from error
    return saved


def _score(model: Plume, features: Tensor) -> npt.NDArray[np.float32]:
    model.eval()
    with torch.inference_mode():
        return model(features).float().cpu().numpy()
