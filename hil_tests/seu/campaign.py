"""Runs a plan in chunks, in one process or several; each finished chunk is kept, whatever ends the run."""

import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from tqdm import tqdm

from hil_tests.seu.bench import Bench
from hil_tests.seu.frames import FrameChoice
from hil_tests.seu.plan import Flip, draw
from hil_tests.seu.results import Campaign, Record, Results
from onboard import bundle as bundles
from onboard.errors import InputError

_CHUNK = 64  # flips; of the largest graphs, what a killed run loses is minutes


@dataclass(frozen=True)
class Asked:
    """What the command line asks for.

    Attributes:
        bundles: folders by variant: `plain`, and `bounded` where there is one.
        choice: of frames.
        flips: in the plan.
        bits: neighbouring bits of each flip.
        seed: of the plan.
        rate: of the alarm decision; None: the bundle's.
        as_flown: flips to judge again on the graph as flown.
        workers: processes.
    """

    bundles: dict[str, Path]
    choice: FrameChoice
    flips: int
    bits: int
    seed: int
    rate: float | None
    as_flown: int
    workers: int

    def benches(self) -> dict[str, Bench]:
        """Each bundle with its frames."""
        read = {variant: bundles.read(folder) for variant, folder in self.bundles.items()}
        return {name: Bench(bundle, self.choice, self.rate, self.bits) for name, bundle in read.items()}


def plan(benches: dict[str, Bench], asked: Asked) -> list[Flip]:
    """The flips: of all that the graphs hold together, what both hold once."""
    targets = {target.tensor: target for bench in reversed(benches.values()) for target in bench.graph.targets()}
    return draw(list(targets.values()), asked.flips, asked.bits, asked.seed)


def run(benches: dict[str, Bench], flips: Sequence[Flip], asked: Asked, path: Path) -> tuple[Campaign, list[Record]]:
    """Judge the flips that the results file lacks.

    Args:
        benches: by variant.
        flips: the plan.
        asked: the command line.
        path: of the results file.

    Returns:
        The campaign, and a record for each flip in the plan's order.

    Raises:
        InputError: the file is another campaign's; a graph cannot be cut.
    """
    campaign = _campaign(benches, asked)
    again = set(np.random.default_rng(asked.seed).permutation(len(flips))[: asked.as_flown].tolist())
    with Results(path, campaign) as results:
        left = [flip for flip in flips if flip.number not in results.records]
        bar = tqdm(total=len(flips), initial=len(results.records), desc="flips", unit="flip", disable=None)
        with bar:
            for records in _judged(benches, list(_chunks(left)), again, asked):
                results.add(records)
                bar.update(len(records))
        return campaign, [results.records[flip.number] for flip in flips]


def judge(benches: dict[str, Bench], flips: Sequence[Flip], again: set[int]) -> list[Record]:
    """One chunk: flips of one tensor, in every variant that has it."""
    tensor = flips[0].target.tensor
    having = {name: bench for name, bench in benches.items() if tensor in bench.graph.stored}
    found = {name: bench.live(tensor, flips) for name, bench in having.items()}
    return [
        Record(
            flip.number,
            {name: facts[place] for name, facts in found.items()},
            {name: bench.flown(flip) for name, bench in having.items()} if flip.number in again else None,
        )
        for place, flip in enumerate(flips)
    ]


def _campaign(benches: dict[str, Bench], asked: Asked) -> Campaign:
    first = next(iter(benches.values()))
    digest = hashlib.sha256()
    for shot in first.shots:
        digest.update(shot.window.pixels.tobytes() + shot.window.region.tobytes() + np.array(shot.box).tobytes())
    return Campaign(
        bundles={name: bench.bundle.sha256 for name, bench in benches.items()},
        flips=asked.flips,
        bits=asked.bits,
        seed=asked.seed,
        frames=digest.hexdigest(),
        answers=first.answers,
        rate=asked.rate,
        frame_count=len(first.shots) - first.answers,
        as_flown=asked.as_flown,
        runtime=str(onnxruntime.__version__),
    )


def _chunks(flips: Sequence[Flip]) -> Iterator[list[Flip]]:
    chunk: list[Flip] = []
    for flip in flips:
        if chunk and (flip.target != chunk[0].target or len(chunk) == _CHUNK):
            yield chunk
            chunk = []
        chunk.append(flip)
    if chunk:
        yield chunk


def _judged(
    benches: dict[str, Bench], chunks: list[list[Flip]], again: set[int], asked: Asked
) -> Iterator[list[Record]]:
    if asked.workers == 1:
        yield from (judge(benches, chunk, again) for chunk in chunks)
        return
    context = multiprocessing.get_context("spawn")  # a forked ONNX Runtime hangs
    pool = ProcessPoolExecutor(asked.workers, context, _start, (asked, again))
    try:
        for future in as_completed([pool.submit(_work, chunk) for chunk in chunks]):
            yield future.result()
    except BrokenProcessPool as error:
        raise InputError(
            "a worker process was ended from outside, perhaps for its memory; the same command goes on where it was, "
            "and --workers 1 takes less"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_worker: tuple[dict[str, Bench], set[int]] | None = None


def _start(asked: Asked, again: set[int]) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a worker in the middle of its chunk, without a word
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = (asked.benches(), again)


def _end_with_parent() -> None:
    """A parent that was killed could not end its workers."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(flips: list[Flip]) -> list[Record]:
    assert _worker is not None
    benches, again = _worker
    return judge(benches, flips, again)
