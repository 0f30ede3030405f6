"""Both graphs over many frames: the ranges, and that nothing changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from calibration import latency
from calibration.bounds.places import Place
from calibration.frames import LabelledFrame
from calibration.graph import flight, ranges, running
from calibration.graph.ranges import Range
from calibration.graph.running import Feed
from calibration.journal import Journal
from calibration.normal_data import NormalData
from onboard.bundle import Bundle
from onboard.errors import InputError

Pairs = Sequence[tuple[str, LabelledFrame]]


@dataclass(frozen=True)
class Block:
    """Of some frames: ranges by tensor, and the SHA-256 of those that have a window."""

    ranges: dict[str, Range]
    frames: list[str]


def measured(
    journal: Journal, bundle: Bundle, ours: Pairs, options: NormalData, found: Sequence[Place], name: Path
) -> tuple[list[str], dict[str, Range]]:
    """Measure ranges.

    Args:
        journal: keeps them, some frames at a time.
        bundle: whose graph.
        ours: the frames.
        options: what to do with grey images.
        found: the places.
        name: what an error calls the graph.

    Returns:
        SHA-256 of the frames that have a window, and the range of each place's tensor over them.
    """
    tensors = [place.tensor for place in found]
    probe = cache(lambda: ranges.probe(flight.load(bundle), tensors, name))  # unless all is known

    def block(some: Pairs) -> list[Block]:
        seen: list[str] = []

        def given() -> Iterator[Feed]:
            for digest, feed in running.feeds(bundle, some, options.grey, "ranges", like=ours[0][1]):
                seen.append(digest)
                yield feed

        return [Block(ranges.measure(probe(), tensors, given(), name), seen)]

    everything: dict[str, Range] = {}
    seen = []
    for one in journal.in_blocks("ranges", ours, Block, block):
        seen += one.frames
        everything |= {t: everything[t].join(r) if t in everything else r for t, r in one.ranges.items()}
    return seen, everything


def compared(
    journal: Journal, bundle: Bundle, data: bytes, frames: Pairs, options: NormalData, name: Path
) -> list[str]:
    """Compare the bundle's graph with another on frames and on the known-answer windows.

    Returns:
        SHA-256 of the frames that have a window; all gave the same outputs to the last bit.

    Raises:
        InputError: one did not.
    """
    before = cache(lambda: running.session(bundle.contents[bundle.manifest.model], name))
    after = cache(lambda: running.session(data, f"{name} with clamps"))

    def refuse_other(path: Path, feed: Feed) -> None:
        one, other = running.outputs(before(), feed), running.outputs(after(), feed)
        if not running.same_bits(one, other):
            raise InputError(
                f"{path}: with clamps the graph gives {_worst(one, other)}; no bundle is written. What lies beyond the "
                f"ranges of the frames kept back needs a larger --margin or --vector-margin, or a larger --kept-back "
                f"than {options.kept_back:g}"
            )

    def block(some: Pairs) -> list[str]:
        paths, same = {digest: frame.path for digest, frame in some}, []
        for digest, feed in running.feeds(bundle, some, options.grey, "comparing", like=frames[0][1]):
            refuse_other(paths[digest], feed)
            same.append(digest)
        return same

    for number, known in enumerate(bundle.manifest.known_answers):
        refuse_other(bundle.folder / known.window, latency.known_window(bundle, number))
    return journal.in_blocks("same", frames, str, block)


def _worst(one: running.Feed, other: running.Feed) -> str:
    name = next(n for n in one if not running.same_bits({n: one[n]}, {n: other[n]}))
    return f"{name} {other[name].reshape(-1)[0]:.9g} instead of {one[name].reshape(-1)[0]:.9g}"
