"""Random draws that depend on nothing but the seed and the names drawn from."""

import hashlib
from collections.abc import Iterable


def order(keys: Iterable[str], seed: int) -> list[str]:
    """The keys in a random order: by the SHA-256 of seed and key.

    So the order is the same on every machine and in every version of every library, and of two keys the
    same one comes first whatever others there are.
    """
    return sorted(keys, key=lambda key: (hashlib.sha256(f"{seed}\t{key}".encode()).digest(), key))


def share(fraction: float, of: int, leave: int) -> int:
    """How many of a number make a fraction: at least one, but so that `leave` are left over."""
    return max(0, min(max(1, int(fraction * of + 0.5)), of - leave))
