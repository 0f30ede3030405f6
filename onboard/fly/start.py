"""From a configuration to a flight and its end."""

import gc
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from onboard import files, provenance, strict_yaml
from onboard.bundle import Bundle
from onboard.control.socket import ControlSocket
from onboard.detector import LOGIT, Detector
from onboard.event import Event, Events
from onboard.fly.account import Account
from onboard.fly.config import NodeConfig
from onboard.fly.event_log import EventLog
from onboard.fly.flown import Flown, Way, Ways
from onboard.fly.guard import Guard
from onboard.fly.kept import Kept
from onboard.fly.loop import Loop, Parts
from onboard.fly.orders import Orders
from onboard.fly.outlet import Outlet, VerdictSocket
from onboard.fly.realtime import ask_for
from onboard.fly.storage import LineFile, Storage, write_whole
from onboard.fly.summary import Summary
from onboard.fly.tracks import MOST, Tracks
from onboard.health.background import Background
from onboard.health.choice import Choice, Chosen
from onboard.journal import Journal
from onboard.sources import open_source
from onboard.sources.checking import CHECKER
from onboard.telemetry.opening import open_telemetry
from onboard.telemetry.telemetry import Telemetry
from onboard.watchdog import Pings, Systemd, Watchdog

VERDICTS, EVENTS, RECORD, CHOSEN = "verdicts.jsonl", "events.jsonl", "node.yaml", "chosen.yaml"


def fly(config: NodeConfig) -> dict[str, Any]:
    """Fly until the source ends, or SIGTERM or SIGINT comes; gives the last summary.

    Raises:
        InputError: something that the configuration names cannot be used.
    """
    with parts_of(config) as parts:
        summary = Summary(parts)
        parts.events.add("started", f"bundle {parts.guard.bundle.sha256}, engine {parts.guard.state}")
        with asked_to_stop() as stop, watched(parts) as alive:
            set_realtime(parts)
            gc.collect()
            gc.freeze()  # all that is there by now stays; collections look at what comes after it
            orders = Orders(parts, stop.set)
            try:
                Loop(parts).run(stop.is_set, alive, orders.serve, summary.when_due)
                summary.complete = True
                parts.events.add("ended", "asked to stop" if stop.is_set() else "the source has ended")
            except BaseException as error:
                parts.events.add("failed", f"{type(error).__name__}: {error}")
                raise
            finally:
                gc.unfreeze()
                last = summary.last()
        return last


@contextmanager
def parts_of(config: NodeConfig) -> Iterator[Parts]:
    """Open everything: the bundle first, for a node that cannot judge shall not take frames; the source last."""
    output, place, events = config.output, config.journal, Events()
    with ExitStack() as opened:
        configured = Choice(config.bundle, config.runtime.engine)
        chosen = Chosen.restore(Path(output.folder) / CHOSEN, configured, events)
        guard = Guard(chosen, ways(config), config, events)
        opened.callback(guard.close)
        archive = None if place.archive is None else Path(place.archive)
        pings = Pings(config.watchdog)
        alive = (lambda: None) if archive is None else pings.add("archive").answer
        journal = Journal(Path(place.ring), archive, place.records, archive_files=place.archive_files, alive=alive)
        opened.callback(journal.close)
        storage = Storage(output.queue, pings.add("storage").answer)
        log, outlet, telemetry = _outputs(config, guard.bundle, storage, events, opened)
        files.write_text(Path(output.folder) / RECORD, _record(config, guard.flown))
        kept = Kept(Path(place.ring), MOST, storage, events)
        opened.callback(kept.close)
        tracks = Tracks(kept, set(journal.totals()), events)
        tracks.start_over(guard.flown.rules.track, guard.bundle.sha256)
        scrubbed, alive = guard.flown.files(), pings.add("health").answer
        background = Background(config.health, output.summary_s, scrubbed, events, alive)
        opened.callback(background.close)
        guard.follower = partial(_follow, config, guard, tracks, storage, background, events)
        source = open_source(config.source, pings)
        opened.callback(source.close)
        account = Account(config.deadline_ms, config.deadlines)
        control = None
        if config.control is not None:
            control = ControlSocket(config.control, pings.add("control", config.control.answer_s).answer)
            opened.callback(control.close)
        made = (source, journal, guard, tracks, outlet, account, events, log, storage, background, pings, telemetry)
        yield Parts(config, *made, control)


def set_realtime(parts: Parts) -> None:
    """Put the thread that calls this, and the one that computes checksums for it, before others as configured."""
    helpers = [each.native_id for each in threading.enumerate() if each.name == CHECKER and each.native_id]
    ask_for(parts.config.realtime, parts.events, helpers)


@contextmanager
def watched(parts: Parts) -> Iterator[Callable[[], None]]:
    """Watch over all parts while the block runs; gives what the loop calls to say that it is alive.

    Raises:
        InputError: what the environment says of systemd's socket makes no sense.
    """
    loop = parts.pings.add("loop")

    def say(event: Event, late: Collection[str]) -> None:
        if loop.name in late:  # it will not fetch the event
            parts.log.write([event])
        else:
            parts.events.add(*event)

    with Watchdog(parts.pings, Systemd.from_environment(), parts.config.watchdog, say):
        yield loop.answer


def _follow(
    config: NodeConfig,
    guard: Guard,
    tracks: Tracks,
    storage: Storage,
    background: Background,
    events: Events,
    other_bundle: bool,
) -> None:
    """Another engine flies, perhaps another bundle: tracks begin anew then, and files say so."""
    flown, chosen, folder = guard.flown, guard.chosen, Path(config.output.folder)
    background.watch(flown.files())
    if other_bundle:
        tracks.start_over(flown.rules.track, flown.bundle.sha256)
        write_whole(storage, folder / CHOSEN, lambda: strict_yaml.dump(chosen).encode(), events)
        write_whole(storage, folder / RECORD, lambda: _record(config, flown).encode(), events)


def _outputs(
    config: NodeConfig, bundle: Bundle, storage: Storage, events: Events, opened: ExitStack
) -> tuple[EventLog, Outlet, Telemetry | None]:
    output = config.output
    folder, most_bytes = Path(output.folder), round(output.file_mb * 1e6)

    def lines(name: str) -> LineFile:
        file = LineFile(storage, folder / name, most_bytes, events)
        opened.callback(file.close)
        return file

    log, verdicts = lines(EVENTS), lines(VERDICTS) if output.verdicts else None
    telemetry = None
    if config.telemetry is not None:
        passed_on = _pose_outputs(bundle) if output.pose_outputs is None else output.pose_outputs
        telemetry = open_telemetry(config.telemetry, folder, passed_on, bundle.sha256, storage, events, opened)
    opened.callback(storage.close)  # before the files, for it writes them
    socket = None if output.socket is None else VerdictSocket(output.socket, events)
    if socket is not None:
        opened.callback(socket.close)
    also = None if telemetry is None else telemetry.event
    return EventLog(log, output.event_s, also), Outlet(verdicts, socket, events, telemetry), telemetry


def ways(config: NodeConfig) -> Ways:
    """The engines of a bundle: TensorRT where there is one, and ONNX Runtime."""
    threads = config.runtime.threads
    key = config.signature.key()  # now, once: a key that is altered in storage later counts for nothing

    def of(choice: Choice) -> list[Way]:
        bundle, engine = choice.bundle, choice.engine
        ort = Way("onnxruntime", lambda: Detector.load(bundle, threads, key=key))
        return [ort] if engine is None else [Way("tensorrt", lambda: Detector.load(bundle, threads, engine, key)), ort]

    return of


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; a second one ends the process as usual."""
    stop = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}

    def ask(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    for number in numbers:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number in numbers:
            signal.signal(number, before[number])


def _pose_outputs(bundle: Bundle) -> tuple[str, ...]:
    return tuple(spec.name for spec in bundle.manifest.outputs if spec.name != LOGIT)


def _record(config: NodeConfig, flown: Flown) -> str:
    """What the verdicts come from: the resolved configuration, the bundle, the rule, versions and code."""
    seed = flown.bundle.manifest.training.get("seed", 0)
    made = provenance.record(seed, bundle_sha256=flown.bundle.sha256, engine=flown.name)
    rule = flown.rules.frame
    decision = None if rule is None else {"false_alarm_rate": rule.rate, "confidence": rule.confidence}
    return strict_yaml.dump({"config": msgspec.to_builtins(config), "decision": decision, "provenance": made})
