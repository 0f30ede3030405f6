"""A small network that has learned to say what a large memory of normals would say."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from train.heads import neighbours
from train.heads.config import DistilledOptions
from train.heads.covariance import shrunk_covariance
from train.heads.normals import Normals

_FOLDS = 4
_BATCH = 256
_LEARNING_RATE = 3e-3


class Distilled(nn.Module):
    """A perceptron in place of nearest neighbours.

    Args:
        width: F, of the features.
        hidden: units of each of its two hidden layers.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Logits, N (high: normal), of features, N x F."""
        hidden = F.leaky_relu(self.second(F.leaky_relu(self.first(features))))
        logits: Tensor = self.last(hidden)[:, 0]
        return logits


def fit(normals: Normals, options: DistilledOptions, seed: int) -> Distilled:
    """Train the small network on the memory's answers to questions around the normals.

    A memory that holds a normal calls it perfect, so each question goes to one that holds neither that sample nor
    others of its fold. The network learns in whitened features; its first layer takes the whitening over in the end.
    """
    x = normals.features.double().cpu()
    mean = x.mean(0)
    values, vectors = torch.linalg.eigh(shrunk_covariance(x - mean))
    scale = values.clamp_min(1e-9 * float(values[-1]) + 1e-12).sqrt()
    white = ((x - mean) @ vectors / scale).float()
    asked, answers = [], []
    generator = torch.Generator().manual_seed(seed)
    fold_of = np.unique(normals.samples, return_inverse=True)[1] % _FOLDS
    for fold in np.unique(fold_of):
        away = fold_of == fold
        memory = neighbours.fit(normals.take(~away), options.teacher, seed)
        around = _questions(white[torch.from_numpy(away)], options.questions // _FOLDS, generator)
        raw = (around.double() * scale @ vectors.T + mean).float()
        asked.append(around)
        answers.append(torch.cat([memory(part) for part in raw.split(1024)]))
    answer = torch.cat(answers)
    student = _learn(torch.cat(asked), (answer - answer.mean()) / answer.std().clamp_min(1e-6), options, seed)
    with torch.no_grad():
        whitening = (vectors / scale).T.float()
        student.first.weight.copy_(student.first.weight @ whitening)
        student.first.bias.sub_(student.first.weight @ mean.float())
    return student


def _questions(white: Tensor, number: int, generator: torch.Generator) -> Tensor:
    """Points, `number` x F: normals as they are, normals with noise of many strengths, and mixtures of two."""
    rows = torch.randint(len(white), (number,), generator=generator)
    others = torch.randint(len(white), (number,), generator=generator)
    kind = torch.arange(number)[:, None] % 3
    strength = 10 ** (1.5 * torch.rand(number, 1, generator=generator) - 1)  # 0.1 to 3 standard deviations
    noise = torch.randn(number, white.shape[1], generator=generator)
    share = torch.rand(number, 1, generator=generator)
    plain, noisy = white[rows], white[rows] + strength * noise
    mixed = share * white[rows] + (1 - share) * white[others]
    return torch.where(kind == 0, plain, torch.where(kind == 1, noisy, mixed))


def _learn(asked: Tensor, answers: Tensor, options: DistilledOptions, seed: int) -> Distilled:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        student = Distilled(asked.shape[1], options.hidden)
    optimiser = torch.optim.AdamW(student.parameters(), lr=_LEARNING_RATE, weight_decay=0.01)
    steps = -(-len(asked) // _BATCH)
    schedule = OneCycleLR(optimiser, _LEARNING_RATE, total_steps=options.epochs * steps)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(options.epochs):
        for rows in torch.randperm(len(asked), generator=generator).split(_BATCH):
            loss = F.smooth_l1_loss(student(asked[rows]), answers[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return student.eval()


def for_loading(state: dict[str, Tensor], options: DistilledOptions) -> Distilled:
    """A head of the shapes of a saved state."""
    hidden, width = state["first.weight"].shape
    return Distilled(width, hidden)
