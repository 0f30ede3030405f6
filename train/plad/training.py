"""Training of PLAD: Adam under one one-cycle schedule over the whole run."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR
from tqdm import tqdm

from onboard.errors import InputError
from train.interrupt import Interruptible
from train.plad.classifier import SIDE
from train.plad.config import PladSettings
from train.plad.model import Plad
from train.plume.batches import Batches

_SCORED_AT_ONCE = 512


@dataclass
class Trained:
    """What training leaves.

    Attributes:
        model: after the last epoch, in evaluation mode.
        history: mean of each loss, by epoch.
        watched: logits of the watched images after each epoch, float32 [epochs, M].
    """

    model: Plad
    history: list[dict[str, float]] = field(default_factory=list)
    watched: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))


def train(images: Tensor, settings: PladSettings, seed: int, device: torch.device, watched: Tensor) -> Trained:
    """Fit PLAD to normal images.

    No label enters: `watched` images (the test set's) are only scored after each epoch.

    Args:
        images: normal, uint8 RGB, N x 32 x 32 x 3, N >= 2.
        settings: PLAD's.
        seed: initial weights, order of batches, noise.
        device: where to train.
        watched: uint8 RGB, M x 32 x 32 x 3.

    Raises:
        InputError: images of another type or shape, fewer than two normal ones, or a loss that is not finite.
        KeyboardInterrupt: Ctrl-C, after the step under way. A benchmark's run is short, and keeps no checkpoint.
    """
    for name, given in {"images": images, "watched": watched}.items():
        if given.dtype != torch.uint8 or given.ndim != 4 or given.shape[1:] != (SIDE, SIDE, 3):
            found = f"{given.dtype} {list(given.shape)}"
            raise InputError(f"{name}: uint8 [N, {SIDE}, {SIDE}, 3] is needed, not {found}; PLAD takes no other size")
    if len(images) < 2:
        raise InputError(f"{len(images)} normal training images: at least 2 are needed")
    model = build(images, settings, seed).to(device)
    images, watched = images.to(device), watched.to(device)
    batches = Batches(len(images), settings.batch, seed)
    optimiser = torch.optim.Adam(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    total = settings.epochs * len(batches)
    schedule = OneCycleLR(optimiser, max_lr=settings.learning_rate, total_steps=max(2, total))
    history: list[dict[str, float]] = []
    logits: list[npt.NDArray[np.float32]] = []
    progress = tqdm(total=settings.epochs, desc="PLAD", unit="epoch", disable=None)
    with progress, Interruptible("nothing is saved") as interrupt:
        for _ in range(settings.epochs):
            history.append(_one_epoch(model, images, batches, optimiser, schedule, interrupt))
            if not np.isfinite(history[-1]["total"]):
                raise InputError(
                    f"the loss became {history[-1]['total']} in epoch {len(history)} at a maximum learning rate of "
                    f"{settings.learning_rate:.2e}; set a lower one"
                )
            logits.append(score(model, watched))
            progress.set_postfix(loss=f"{history[-1]['total']:.3f}")
            progress.update()
    return Trained(model.eval(), history, np.stack(logits))


def build(images: Tensor, settings: PladSettings, seed: int) -> Plad:
    """PLAD with its seeded initial weights, normalised by the statistics of the images, uint8 N x 32 x 32 x 3."""
    pixels = images.reshape(-1, 3).double()
    # A channel that never varies has no scale of its own: a grey level will do.
    mean, std = pixels.mean(0), pixels.std(0).clamp_min(1.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Plad(settings, mean.float().cpu(), std.float().cpu())


def score(model: Plad, images: Tensor) -> npt.NDArray[np.float32]:
    """Logits, float32 [M] (high: normal), of uint8 images, M x 32 x 32 x 3, in evaluation mode."""
    model.eval()
    with torch.inference_mode():
        logits = [model(part).float().cpu().numpy() for part in images.split(_SCORED_AT_ONCE)]
    return np.concatenate(logits)


def _one_epoch(
    model: Plad,
    images: Tensor,
    batches: Batches,
    optimiser: torch.optim.Optimizer,
    schedule: OneCycleLR,
    interrupt: Interruptible,
) -> dict[str, float]:
    model.train()
    sums: dict[str, Tensor] = {}
    for rows in batches.epoch():
        losses = model.step(images[rows], model.draw_noise(len(rows), batches.generator))
        optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        optimiser.step()
        schedule.step()
        for name, value in vars(losses).items():
            sums[name] = sums.get(name, torch.zeros_like(value)) + value.detach()
        if interrupt.asked:
            raise KeyboardInterrupt
    return {name: float(value) / len(batches) for name, value in sums.items()}
