"""python -m hil_tests latency: measured, judged, written down."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hil_tests.bench import limits, pictures
from hil_tests.bench.config import BenchConfig
from hil_tests.bench.environment import environment
from hil_tests.bench.limits import Held
from hil_tests.bench.pictures import Picture
from hil_tests.latency import board, page_cache, same_engine
from hil_tests.latency.busy import default_count
from hil_tests.latency.config import LatencyConfig
from hil_tests.latency.engine_alone import EngineAlone, Place
from hil_tests.latency.measured import Measured
from hil_tests.latency.node import NodeRuns
from hil_tests.latency.trtexec import Trtexec
from hil_tests.latency.windows import by_picture, shapes
from hil_tests.plotting import refuse_without_matplotlib
from onboard import bundle as bundles
from onboard import files
from onboard.bundle import Bundle
from onboard.errors import InputError

_ELSEWHERE = "the node flies elsewhere; run this on its host with 'node' in place of 'remote'"


def latency(
    config: LatencyConfig, setup: BenchConfig, run: Trtexec | None, other_machine: bool, out: Path
) -> tuple[Measured, list[Held]]:
    """Measure, judge, and write latency.json and latency.html.

    Args:
        config, setup: what to measure, and the bench to measure it with.
        run: what trtexec says; None: nothing is put beside.
        other_machine: show trtexec's times although they are of another machine or engine.
        out: folder for the reports and the node's files.

    Raises:
        InputError: something that the configurations name cannot be used; trtexec's report is of another machine or
            engine.
    """
    refuse_without_matplotlib()
    bounds = limits.read(Path(setup.limits), limits.of_latency, may_be_none=True)
    shown = pictures.load(Path(setup.stream.data), setup.stream.pictures)
    out.mkdir(parents=True, exist_ok=True)
    found = Measured(environment(setup, None), board.describe(), trtexec=run)
    processes = default_count() if config.busy_processes is None else config.busy_processes
    found.environment["busy processes under load"] = str(processes)
    if setup.node is None:
        _elsewhere(config, setup, shown, out, found)
    else:
        _here(config, setup, shown, processes, other_machine, out, found)
    held = limits.judge(bounds, found.figures())
    _write(found, held, out)
    return found, held


def _elsewhere(config: LatencyConfig, setup: BenchConfig, shown: list[Picture], out: Path, found: Measured) -> None:
    if found.trtexec is not None:
        raise InputError(f"--trtexec: {_ELSEWHERE}")
    found.left_out += [f"engine alone: {_ELSEWHERE}", f"cold: {_ELSEWHERE}", f"loaded: {_ELSEWHERE}"]
    runs = NodeRuns(setup, shown, {}, out)
    runs.warm_and_loaded(config.frames, config.warm_up, 0, lambda name: _noted(found, f"node, {name}"))
    found.node = runs.times


def _here(
    config: LatencyConfig,
    setup: BenchConfig,
    shown: list[Picture],
    processes: int,
    other_machine: bool,
    out: Path,
    found: Measured,
) -> None:
    bundle, place = _place(setup)
    alone, runs = EngineAlone(place), NodeRuns(setup, shown, by_picture(shown, bundle.manifest.crop), out)
    alone.look()
    found.engine_name, found.engine_about, found.engine, found.node = alone.name, alone.about, alone.times, runs.times
    if found.trtexec is not None:
        found.same = same_engine.compare(found.trtexec, alone.about, bundle)
        if found.same.differs and not other_machine:
            raise InputError(
                f"--trtexec: {'; '.join(found.same.differs)}. Make a report of this engine on this machine, or give "
                "--other-machine to see it beside, without differences"
            )
    calls, warm_up = config.engine_calls, config.warm_up
    with _noted(found, "engine alone, warm"):
        alone.warm(calls, warm_up)
    if config.paced_calls:
        with _noted(found, "engine alone, paced"):
            alone.warm(config.paced_calls, warm_up, 1 / setup.stream.rate_hz)
    if processes:
        with _noted(found, "engine alone, loaded"):
            alone.loaded(calls, warm_up, processes)
    else:
        found.left_out.append("loaded: busy_processes is 0")
    runs.warm_and_loaded(config.frames, warm_up, processes, lambda name: _noted(found, f"node, {name}"))
    if config.cold_starts:
        _cold(config, place, alone, runs, found)
    else:
        found.left_out.append("cold: cold_starts is 0")


def _cold(config: LatencyConfig, place: Place, alone: EngineAlone, runs: NodeRuns, found: Measured) -> None:
    engine = [] if place.engine is None else [place.engine]

    def drop(bundle: Path) -> None:
        told = page_cache.drop([bundle, *engine], config.page_cache)
        if told not in found.page_cache:
            found.page_cache.append(told)

    with _noted(found, "engine alone, cold"):
        alone.cold(config.cold_starts, config.cold_frames, lambda: drop(place.bundle))
    with _noted(found, "node, cold"):
        runs.cold(config.cold_starts, config.cold_frames, drop)


def _place(setup: BenchConfig) -> tuple[Bundle, Place]:
    """The bundle, and what the node's settings say of its engine."""
    assert setup.node is not None
    bundle = bundles.read(Path(setup.node.bundle))
    said = setup.node.settings
    runtime = dict(said.get("runtime") or {})
    runtime |= {key.removeprefix("runtime."): value for key, value in said.items() if key.startswith("runtime.")}
    engine = None if runtime.get("engine") is None else Path(runtime["engine"])
    place = Place(bundle.folder, engine, int(runtime.get("threads", 1)), shapes(bundle.manifest.crop))
    return bundle, place


@contextmanager
def _noted(found: Measured, condition: str) -> Iterator[None]:
    """Say what is measured now, and note the board's state before and after."""
    print(condition, file=sys.stderr, flush=True)
    before = board.state()
    yield
    found.states[condition] = [before, board.state()]


def _write(found: Measured, held: Sequence[Held], out: Path) -> None:
    from hil_tests.latency import page, text

    files.write_text(out / "latency.json", json.dumps(text.plain(found, held), allow_nan=False) + "\n")
    files.write_text(out / "latency.html", page.page(found, held))
