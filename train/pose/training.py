"""The training loop of the pose network, step by step resumable."""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from onboard.errors import InputError
from train.backbones.trunk import Normalisation
from train.interrupt import Interruptible
from train.pose.config import PoseConfig
from train.pose.frames import Frames
from train.pose.geometry import quarter_turn
from train.pose.network import PoseNetwork
from train.saving import save


def loss(rotation: Tensor, units: Tensor, true_rotation: Tensor, true_units: Tensor) -> Tensor:
    """The mean squared sine of half the angle between the rotations, and a robust distance of the translations."""
    alike = (rotation * true_rotation).sum(1).square()  # squared: q and -q are one rotation
    return (1 - alike).mean() + F.smooth_l1_loss(units, true_units, beta=0.1)


def train(
    network: PoseNetwork, norm: Normalisation, frames: Frames, config: PoseConfig, checkpoint: Path, identity: str
) -> list[float]:
    """Train the network in place; gives the loss of each step.

    A run that was interrupted goes on from its checkpoint, to the same weights.

    Args:
        network: with its first weights.
        norm: of its input.
        frames: to train on.
        config: how.
        checkpoint: written after each epoch and when interrupted.
        identity: of configuration and data: a checkpoint with another one is refused.

    Raises:
        InputError: the checkpoint belongs to another configuration or other data, or is damaged.
        KeyboardInterrupt: Ctrl-C, after the checkpoint was written.
    """
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=0.01)
    losses = _resume(network, optimiser, checkpoint, identity)
    units = frames.units
    per_epoch = math.ceil(len(units) / config.batch)
    total = per_epoch * config.epochs
    network.eval().to(memory_format=torch.channels_last)  # depthwise convolutions train a third faster so

    def keep() -> None:
        state = {"network": network.state_dict(), "optimiser": optimiser.state_dict()}
        save(checkpoint, {**state, "losses": losses, "identity": identity})

    with Interruptible() as stop, tqdm(total=total, initial=len(losses), unit="step", disable=None) as bar:
        while len(losses) < total:
            epoch, place = divmod(len(losses), per_epoch)
            order, turns = _plan(len(units), config.seed, epoch)
            for start in range(place * config.batch, len(units), config.batch):
                rows = order[start : start + config.batch].tolist()
                views = [quarter_turn(frames.crops[i], frames.rotations[i], units[i], int(turns[i])) for i in rows]
                crops, rotations, translations = (torch.stack(values) for values in zip(*views, strict=True))
                for group in optimiser.param_groups:
                    group["lr"] = config.learning_rate * _share(len(losses), total)
                rotation, translation = network(normalise(crops, norm))
                value = loss(rotation, translation, rotations, translations)
                optimiser.zero_grad()
                value.backward()
                optimiser.step()
                losses.append(value.item())
                bar.update()
                bar.set_postfix(loss=f"{losses[-1]:.3f}")
                if stop.asked:
                    keep()
                    raise KeyboardInterrupt
            keep()
    return losses


def normalise(crops: Tensor, norm: Normalisation) -> Tensor:
    """uint8 crops B x 3 x S x S to the network's input."""
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (norm.mean, norm.std))
    return ((crops.float() - mean) / std).contiguous(memory_format=torch.channels_last)


def _plan(count: int, seed: int, epoch: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed * 100_003 + epoch)
    return torch.randperm(count, generator=draw), torch.randint(4, (count,), generator=draw)


def _share(step: int, total: int) -> float:
    warm = max(1, total // 10)
    return (step + 1) / warm if step < warm else 0.5 + 0.5 * math.cos(math.pi * (step - warm) / (total - warm))


def _resume(network: PoseNetwork, optimiser: torch.optim.Optimizer, checkpoint: Path, identity: str) -> list[float]:
    if not checkpoint.exists():
        return []
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        found, losses = state["identity"], list(state["losses"])
        if found == identity:
            network.load_state_dict(state["network"])
            optimiser.load_state_dict(state["optimiser"])
    except Exception as error:  # torch raises many kinds for a file that is no state
        raise InputError(
            f"{checkpoint}: damaged ({type(error).__name__}); remove it to train from the start"
        ) from error
    if found != identity:
        raise InputError(
            f"{checkpoint}: of another configuration or other data; remove {checkpoint.parent} or give another --out"
        )
    return losses
