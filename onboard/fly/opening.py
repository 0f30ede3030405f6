"""From a configuration to the parts of a flight, each opened, and closed again at its end."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import msgspec

from onboard import provenance, strict_yaml
from onboard.bundle import Bundle
from onboard.control.socket import ControlSocket
from onboard.detector import LOGIT, Detector
from onboard.event import Events
from onboard.fly import read_only
from onboard.fly.account import Account
from onboard.fly.ahead import AHEAD, Ahead
from onboard.fly.choice_file import ChoiceFile
from onboard.fly.clock import ClockWatch
from onboard.fly.config import NodeConfig
from onboard.fly.event_log import EventLog
from onboard.fly.flown import Flown, Way, Ways
from onboard.fly.guard import Guard
from onboard.fly.keeping import keep
from onboard.fly.kept import Kept, tracks_beside
from onboard.fly.leftovers import Leftovers
from onboard.fly.line_file import LineFile
from onboard.fly.loop import Parts
from onboard.fly.outlet import Outlet, VerdictSocket, tell_of_too_large
from onboard.fly.own_places import CHOSEN, EVENTS, RECORD, VERDICTS, refuse_foreign_places
from onboard.fly.ring_place import RingPlace
from onboard.fly.storage import Storage, write_whole
from onboard.fly.tracks import MOST, Tracks
from onboard.health.background import Background
from onboard.health.choice import Choice, Chosen
from onboard.helper import Helper
from onboard.hold import held
from onboard.journal import Journal
from onboard.sources import open_source
from onboard.telemetry.opening import file_of, open_telemetry
from onboard.telemetry.telemetry import Telemetry
from onboard.watchdog import Pings


@contextmanager
def parts_of(config: NodeConfig) -> Iterator[Parts]:
    """Open everything: the places that are this node's alone first; then the bundle, for a node that cannot judge shall
    not take frames; the source last. Where something is refused, what was made for the others goes again."""
    output, place, events = config.output, config.journal, Events()
    refuse_foreign_places(config)
    with ExitStack() as opened:
        for folder, key in places(config).items():
            opened.enter_context(held(folder, key, partial(read_only.tell_of_folder, folder, key, events)))
        made = Leftovers()
        opened.callback(made.remove)
        guard, choice_is_written = _guard(config, events)
        opened.callback(guard.close)
        archive = None if place.archive is None else Path(place.archive)
        pings = Pings(config.watchdog)
        archiving = None if archive is None else pings.add("archive")
        alive = (lambda: None) if archiving is None else archiving.answer
        with made.making(Path(os.path.realpath(place.ring))):  # a link to it was there, and stays
            journal = Journal(Path(place.ring), archive, place.records, archive_files=place.archive_files, alive=alive)
        if archiving is not None and journal.in_memory is not None:
            pings.remove(archiving)
        opened.callback(journal.close)
        read_only.tell_of_journal(journal, Path(place.ring), events)
        storage = Storage(output.queue, pings.add("storage").answer)
        RingPlace(journal, Path(place.ring), storage, events)
        log, outlet, telemetry = _outputs(config, guard.bundle, storage, events, opened, made)
        with made.making(tracks_beside(Path(place.ring))):
            kept = Kept(Path(place.ring), MOST, storage, events)
        opened.callback(kept.close)
        if journal.in_memory is None:  # else that was told with it
            read_only.tell_of_tracks(kept, Path(place.ring), events)
        tracks = Tracks(kept, set(journal.totals()), events)
        tracks.start_over(guard.flown.rules.track, guard.bundle.sha256)
        scrubbed, alive = guard.flown.files(), pings.add("health").answer
        background = Background(config.health, output.summary_s, scrubbed, events, alive)
        opened.callback(background.close)
        ChoiceFile(Path(output.folder) / CHOSEN, storage, events, lambda: guard.chosen, choice_is_written)
        guard.follow(partial(_follow, config, guard, tracks, storage, background, events))
        source = open_source(config.source, pings, journal.knows)
        opened.callback(source.close)
        helper: Helper[Ahead] = Helper(AHEAD)
        opened.callback(helper.close)  # before the source and the journal, which it uses
        account = Account(config.deadline_ms, config.deadlines)
        clock = ClockWatch(config.clock_offset_ms, config.clock_drift_ms, events)
        control = None
        if config.control is not None:
            part = pings.add("control")
            part.limit_s += config.control.answer_s  # it may wait for the loop
            control = ControlSocket(config.control, part.answer)
            opened.callback(control.close)
        keep(Path(output.folder) / RECORD, _record(config, guard.flown), events)
        made.forget()
        flying = (source, journal, guard, tracks, outlet, account, events, log, storage, background, pings, telemetry)
        yield Parts(config, *flying, helper, clock, control)


def places(config: NodeConfig) -> dict[Path, str]:
    """Folders that no other process may write to, and the configuration's keys that name them."""
    found = {Path(config.output.folder).resolve(): "output.folder"}
    if config.journal.archive is not None:
        found.setdefault(Path(config.journal.archive).resolve(), "journal.archive")  # one folder may be both
    return found


def _guard(config: NodeConfig, events: Events) -> tuple[Guard, bool]:
    """The guard of the bundle that was chosen last, and whether storage has that choice. A start of one on trial is
    written down before it is loaded, for loading it may be what ends the process; where that cannot be done, the one
    before flies."""
    place = Path(config.output.folder) / CHOSEN
    kept = Chosen.restore(place, Choice(config.bundle, config.runtime.engine), events)
    chosen, written = kept.at_start(events), True
    while chosen != kept and not (written := keep(place, strict_yaml.dump(chosen), events)) and chosen.on_trial:
        word = f"{chosen.choices[-1].bundle} is on trial, and its start cannot be written down; the one before flies"
        events.add("bundle_rolled_back", word)
        chosen = chosen.without_last().at_start(events)
    try:
        return Guard(chosen, ways(config), config, events), written
    except Exception as error:  # InputError, and whatever the libraries raise on a sick GPU
        if len(chosen.choices) == len(kept.choices):
            raise
        events.add("reload_failed", f"{error}; {kept.choices[-1].bundle} flies once more, for nothing else is left")
        written = keep(place, strict_yaml.dump(kept), events)
        return Guard(kept, ways(config), config, events), written


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
    flown, folder = guard.flown, Path(config.output.folder)
    background.watch(flown.files())
    if other_bundle:
        tracks.start_over(flown.rules.track, flown.bundle.sha256)
        tell_of_too_large(flown.bundle, config.output.pose_outputs, events)
        write_whole(storage, folder / RECORD, lambda: _record(config, flown).encode(), events)


def _outputs(
    config: NodeConfig, bundle: Bundle, storage: Storage, events: Events, opened: ExitStack, made: Leftovers
) -> tuple[EventLog, Outlet, Telemetry | None]:
    output = config.output
    tell_of_too_large(bundle, output.pose_outputs, events)
    folder, most_bytes = Path(output.folder), round(output.file_mb * 1e6)

    def lines(name: str) -> LineFile:
        with made.making(folder / name):
            file = LineFile(storage, folder / name, most_bytes, events)
        opened.callback(file.close)
        return file

    log, verdicts = lines(EVENTS), lines(VERDICTS) if output.verdicts else None
    telemetry = None
    if config.telemetry is not None:
        passed_on = _pose_outputs(bundle) if output.pose_outputs is None else output.pose_outputs
        packets = file_of(config.telemetry, folder)
        with made.making(*([] if packets is None else [packets])):
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


def _pose_outputs(bundle: Bundle) -> tuple[str, ...]:
    return tuple(spec.name for spec in bundle.manifest.outputs if spec.name != LOGIT)


def _record(config: NodeConfig, flown: Flown) -> str:
    """What the verdicts come from: the resolved configuration, the bundle, the rule, versions and code."""
    seed = flown.bundle.manifest.training.get("seed", 0)
    made = provenance.record(seed, bundle_sha256=flown.bundle.sha256, engine=flown.name)
    rule = flown.rules.frame
    decision = None if rule is None else {"false_alarm_rate": rule.rate, "confidence": rule.confidence}
    return strict_yaml.dump({"config": msgspec.to_builtins(config), "decision": decision, "provenance": made})
