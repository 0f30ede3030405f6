"""A flipped bit in every region of every file of a bundle, through the loader that flies."""

import itertools
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from hil_tests.bundle_copy import copied
from onboard import bundle as bundles
from onboard.errors import InputError

_ENDS = 8  # bytes at each end of a file, every one of which is flipped
_KINDS = ("refused", "unchanged", "accepted", "crashed")


@dataclass(frozen=True)
class FileFlips:
    """What the loader made of one file's flips.

    Attributes:
        file: its name.
        size: in bytes.
        flips: one bit each.
        refused: with an error that a user can mend.
        unchanged: loaded, but with the very manifest and contents as before: only white space behind the hash.
        accepted: loaded with other contents: must be 0.
        crashed: another exception; must be 0.
        at: byte and bit of what was accepted or crashed.
    """

    file: str
    size: int
    flips: int
    refused: int
    unchanged: int
    accepted: int
    crashed: int
    at: tuple[tuple[int, int], ...]


def sweep(folder: Path, blocks: int, seed: int) -> list[FileFlips]:
    """Flip a bit in each block of each file, and in each byte at its ends; on a copy.

    Args:
        folder: a bundle; not changed.
        blocks: that a file is shared into; a smaller one has each byte flipped.
        seed: of the draw of bytes and bits.

    Raises:
        InputError: the bundle does not load as it is.
    """
    whole = bundles.read(folder)
    random = np.random.default_rng(seed)
    found = []
    with tempfile.TemporaryDirectory() as beside:
        copy = copied(folder, Path(beside) / folder.resolve().name)
        names = [bundles.MANIFEST, bundles.MANIFEST_HASH, *whole.manifest.files]
        for name in names:
            size = (copy / name).stat().st_size
            places = list(_places(size, blocks, random))
            told = [
                (place, _load(copy, name, place, whole)) for place in tqdm(places, desc=name, disable=None, leave=False)
            ]
            counts = Counter(what for _, what in told)
            at = tuple(place for place, what in told if what in ("accepted", "crashed"))
            refused, unchanged, accepted, crashed = (counts[kind] for kind in _KINDS)
            found.append(FileFlips(name, size, len(told), refused, unchanged, accepted, crashed, at))
    return found


def _places(size: int, blocks: int, random: np.random.Generator) -> Iterator[tuple[int, int]]:
    edges = np.unique(np.linspace(0, size, min(blocks, size) + 1).astype(int))
    inner = {int(random.integers(start, end)) for start, end in itertools.pairwise(edges)}
    for place in sorted(inner | {*range(min(_ENDS, size)), *range(max(size - _ENDS, 0), size)}):
        yield place, int(random.integers(8))


def _load(copy: Path, name: str, place: tuple[int, int], whole: bundles.Bundle) -> str:
    byte, bit = place
    with (copy / name).open("r+b") as file:
        file.seek(byte)
        before = file.read(1)
        file.seek(byte)
        file.write(bytes([before[0] ^ (1 << bit)]))
    try:
        loaded = bundles.read(copy)
    except InputError:
        return "refused"
    except Exception:  # whatever it is, it is what the sweep looks for
        return "crashed"
    finally:
        with (copy / name).open("r+b") as file:
            file.seek(byte)
            file.write(before)
    same = (loaded.sha256, loaded.manifest, loaded.contents) == (whole.sha256, whole.manifest, whole.contents)
    return "unchanged" if same else "accepted"
