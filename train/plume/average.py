"""An exponential moving average of the classifier's weights: what is scored and flies where it is asked for."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from train.plume.batches import Batches
from train.plume.classifier import Classifier
from train.plume.model import Plume

_ENOUGH = 64  # batches that the statistics come from, at most


class Average:
    """The average a of a classifier's weights w: a = decay * a + (1 - decay) * w after each step.

    It begins with the initial weights, so a decay that reaches further back than the run keeps much of them.

    The batch norms' statistics cannot be averaged along: averaged weights give activations of less variance than each
    of the classifiers that they come from, and the mean of those variances would be too large. They are measured anew,
    with the averaged weights, whenever these are to be scored.

    Args:
        classifier: with its initial weights.
        decay: from 0 (the weights of the last step) to below 1.
    """

    def __init__(self, classifier: Classifier, decay: float) -> None:
        self.decay = decay
        self.classifier = copy.deepcopy(classifier).requires_grad_(False)

    @torch.no_grad()
    def update(self, classifier: Classifier) -> None:
        """Take in the weights after one step."""
        mine: list[Tensor] = list(self.classifier.parameters())
        theirs: list[Tensor] = list(classifier.parameters())
        torch._foreach_lerp_(mine, theirs, 1 - self.decay)

    @contextmanager
    def inside(self, model: Plume) -> Iterator[None]:
        """While the block runs, the averaged classifier takes the place of the model's own."""
        own, model.classifier = model.classifier, self.classifier
        try:
            yield
        finally:
            model.classifier = own

    @torch.no_grad()
    def measure(self, model: Plume, features: Tensor, batch: int, seed: int) -> None:
        """Measure the batch norms' statistics as the mean over batches made up as in training; leaves all else alone.

        Args:
            model: gives the feature preparation and the pseudo-anomalies; comes back in evaluation mode.
            features: normal, N x F.
            batch: samples a step.
            seed: of batches and noise: the same ones each time, so that epochs differ by their weights alone.
        """
        model.eval()
        for norm in (self.classifier.norm1, self.classifier.norm2):
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean over all batches, where the default forgets the first ones
        self.classifier.train()
        batches = Batches(len(features), batch, seed)
        for _, rows in zip(range(_ENOUGH), batches.epoch(), strict=False):
            x = model.preparation(features[rows])
            pseudo = model.perturb(x, model.draw_noise(len(rows), batches.generator)).pseudo
            self.classifier.both(x, pseudo, union=model.settings.batch_norm == "union")
        self.classifier.eval()

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint needs."""
        return self.classifier.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.classifier.load_state_dict(state)
