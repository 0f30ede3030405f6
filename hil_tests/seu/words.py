"""Stored numbers as words of bits."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

WORDS: dict[np.dtype, type[np.unsignedinteger]] = {
    np.dtype(np.float32): np.uint32,
    np.dtype(np.float16): np.uint16,
    np.dtype(np.int32): np.uint32,
    np.dtype(np.int8): np.uint8,
    np.dtype(np.uint8): np.uint8,
}


@contextmanager
def flipped(values: npt.NDArray[np.generic], index: int, bit: int, bits: int) -> Iterator[None]:
    """Flip neighbouring bits of one number while the block runs.

    Args:
        values: of a type in `WORDS`, contiguous; changed in place, and back.
        index: of the number, in the order of memory.
        bit: the lowest that is flipped; 0 is the least significant.
        bits: how many.
    """
    word = WORDS[values.dtype]
    words = values.reshape(-1).view(word)
    mask = word(((1 << bits) - 1) << bit)
    words[index] ^= mask
    try:
        yield
    finally:
        words[index] ^= mask
