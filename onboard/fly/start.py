"""From a configuration to a flight and its end."""

import errno
import gc
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from onboard import files, provenance, strict_yaml
from onboard.bundle import Bundle
from onboard.detector import LOGIT, Detector
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.account import Account
from onboard.fly.config import NodeConfig, OutputConfig
from onboard.fly.event_log import EventLog
from onboard.fly.guard import Guard, Way
from onboard.fly.loop import Loop, Parts
from onboard.fly.outlet import Outlet, VerdictSocket
from onboard.fly.storage import LineFile, Storage
from onboard.fly.summary import Summary
from onboard.fly.tracks import Tracks
from onboard.journal import Journal
from onboard.normal_scores import FrameRule
from onboard.sources import open_source
from onboard.track import TrackRule

VERDICTS, EVENTS, RECORD = "verdicts.jsonl", "events.jsonl", "node.yaml"


def fly(config: NodeConfig) -> dict[str, Any]:
    """Fly until the source ends, or SIGTERM or SIGINT comes; gives the last summary.

    Raises:
        InputError: something that the configuration names cannot be used.
    """
    with parts_of(config) as parts:
        summary = Summary(parts)
        parts.events.add("started", f"bundle {parts.guard.bundle.sha256}, engine {parts.guard.state}")
        with asked_to_stop() as stop:
            gc.collect()
            gc.freeze()  # all that is there by now stays; collections look at what comes after it
            try:
                Loop(parts).run(stop.is_set, summary.when_due)
                summary.complete = True
                parts.events.add("ended", "asked to stop" if stop.is_set() else "the source has ended")
            except BaseException as error:
                parts.events.add("failed", f"{type(error).__name__}: {error}")
                raise
            finally:
                gc.unfreeze()
                last = summary.write()
        return last


@contextmanager
def parts_of(config: NodeConfig) -> Iterator[Parts]:
    """Open everything: the bundle first, for a node that cannot judge shall not take frames; the source last."""
    output, place, events = config.output, config.journal, Events()
    with ExitStack() as opened:
        guard = Guard(ways(config), config.invalid, events, output.pose_outputs)
        rule = FrameRule.at(guard.bundle, config.false_alarm_rate, config.confidence)
        track_rule = TrackRule.at(guard.bundle) if config.tracks else None
        _check_names(output.pose_outputs, guard.bundle)
        archive = None if place.archive is None else Path(place.archive)
        journal = Journal(Path(place.ring), archive, place.records, archive_files=place.archive_files)
        opened.callback(journal.close)
        storage = Storage(output.queue)
        log, outlet = _outputs(output, storage, events, opened)
        _keep(Path(output.folder) / RECORD, _record(config, guard, rule), events)
        tracks = Tracks(track_rule, set(journal.totals()), events)
        source = open_source(config.source)
        opened.callback(source.close)
        account = Account(config.deadline_ms)
        yield Parts(config, source, journal, guard, rule, tracks, outlet, account, events, log, storage)


def _outputs(output: OutputConfig, storage: Storage, events: Events, opened: ExitStack) -> tuple[EventLog, Outlet]:
    folder, most_bytes = Path(output.folder), round(output.file_mb * 1e6)

    def lines(name: str) -> LineFile:
        file = LineFile(storage, folder / name, most_bytes, events)
        opened.callback(file.close)
        return file

    log, verdicts = lines(EVENTS), lines(VERDICTS) if output.verdicts else None
    opened.callback(storage.close)  # before the files, for it writes them
    socket = None if output.socket is None else VerdictSocket(output.socket, events)
    if socket is not None:
        opened.callback(socket.close)
    return EventLog(log, output.event_s), Outlet(verdicts, socket, events)


def ways(config: NodeConfig) -> list[Way]:
    """The engines: TensorRT where the configuration names one, and ONNX Runtime."""
    bundle, threads, engine = config.bundle, config.runtime.threads, config.runtime.engine
    ort = Way("onnxruntime", lambda: Detector.load(bundle, threads))
    return [ort] if engine is None else [Way("tensorrt", lambda: Detector.load(bundle, threads, engine)), ort]


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


def _keep(path: Path, text: str, events: Events) -> None:
    """Write a file that nothing in flight needs: a full disk must not keep a node from starting again."""
    try:
        files.write_text(path, text)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        events.add("output_lost", f"{path}: {error.strerror}")


def _check_names(names: tuple[str, ...] | None, bundle: Bundle) -> None:
    there = [spec.name for spec in bundle.manifest.outputs if spec.name != LOGIT]
    for name in names or ():
        if name not in there:
            raise InputError(
                f"output.pose_outputs: '{name}' is no output of the pose network in {bundle.folder}; "
                f"it has {', '.join(there) or 'none: the bundle is not a fused one'}"
            )


def _record(config: NodeConfig, guard: Guard, rule: FrameRule | None) -> str:
    """What the verdicts come from: the resolved configuration, the bundle, the rule, versions and code."""
    made = provenance.record(
        guard.bundle.manifest.training.get("seed", 0), bundle_sha256=guard.bundle.sha256, engine=guard.state
    )
    decision = None if rule is None else {"false_alarm_rate": rule.rate, "confidence": rule.confidence}
    return strict_yaml.dump({"config": msgspec.to_builtins(config), "decision": decision, "provenance": made})
