"""Which bits are flipped: drawn once from a seed, stratified by tensor and by place in the word."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hil_tests.seu.graph import Target


@dataclass(frozen=True)
class Flip:
    """Neighbouring bits of one stored number.

    Attributes:
        number: in the plan.
        target: whose number it is.
        index: of the number in the tensor.
        bit: the lowest that is flipped.
        weight: by how much the plan draws this tensor too seldom (above 1) or too often, beside a memory that is hit
            evenly; at most 2.
    """

    number: int
    target: Target
    index: int
    bit: int
    weight: float


def draw(targets: Sequence[Target], count: int, bits: int, seed: int) -> list[Flip]:
    """Half of the flips go by the tensors' size, half by its logarithm; within a tensor, all bits come alike.

    Small tensors would hardly be seen by size alone.

    Args:
        targets: of the graph.
        count: flips.
        bits: neighbouring bits of each.
        seed: of the draw.
    """
    memory = np.array([target.size * target.width for target in targets], np.float64)
    memory /= memory.sum()
    spread = np.log2([1.0 + target.size for target in targets])
    drawn = (memory + spread / spread.sum()) / 2
    start = np.random.default_rng(seed).random()
    edges = np.floor(np.concatenate([[0.0], np.cumsum(drawn)]) * count + start).astype(int)
    edges[-1] = edges[0] + count
    flips: list[Flip] = []
    for target, share, often, here in zip(targets, memory, drawn, np.diff(edges), strict=True):
        random = np.random.default_rng([seed, zlib.crc32(target.tensor.encode())])
        places = target.width - bits + 1
        rounds = -(-int(here) // places)
        order = np.concatenate([random.permutation(places) for _ in range(rounds)] or [np.array([], int)])
        for place in order[:here]:
            flips.append(Flip(len(flips), target, int(random.integers(target.size)), int(place), float(share / often)))
    return flips
