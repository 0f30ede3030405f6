"""What a node writes is its own: looked at before a start touches anything, for a wrong key would cost a file."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from onboard import files
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.config import NodeConfig
from onboard.fly.kept import drift_beside, tracks_beside
from onboard.fly.line_file import older
from onboard.fly.summary import SUMMARY
from onboard.health.choice import Choice, Chosen
from onboard.hold import LOCK
from onboard.journal.archive import RECORDS
from onboard.journal.foreign import refuse_foreign
from onboard.journal.ringfile import aside
from onboard.sockets import Curve
from onboard.sources.config import CameraConfig, FolderConfig, RingConfig, StreamConfig, VideoConfig
from onboard.telemetry.opening import FILE as PACKETS
from onboard.telemetry.opening import file_of

VERDICTS, EVENTS, RECORD, CHOSEN = "verdicts.jsonl", "events.jsonl", "node.yaml", "chosen.yaml"
_RING, _ARCHIVE, _OUTPUT, _PACKETS = "journal.ring", "journal.archive", "output.folder", "telemetry.to.path"


class _Place(NamedTuple):
    """A file or folder, the configuration's key that names it, and where it lies when every link is followed."""

    key: str
    path: Path
    real: Path


def refuse_foreign_places(config: NodeConfig) -> None:
    """Refuse a configuration by which the node would write to what it reads, twice to one file, or over what is not
    its own. Nothing is changed.

    Raises:
        InputError: it would; names the key, the path and the remedy.
    """
    written, folders, read = list(_written(config)), list(_folders(config)), list(_read(config))
    for own in (*[each for each in folders if each.key != _OUTPUT], *written):
        for other in read:
            if _same(own, other):
                _refuse(own, f"is what {other.key} names, and the node only reads that")
            if own.key != _OUTPUT and _lies_in(own, other):
                _refuse(own, f"lies in {other.path}, which {other.key} names, and the node only reads that")
    for n, own in enumerate(written):
        for other in written[n + 1 :]:
            if other.key != own.key and _same(other, own):
                _refuse(own, f"is a file that the node writes for {other.key}")
        for other in folders:
            if _same(other, own) or _lies_in(other, own):
                _refuse(own, f"is to be a file, and a folder for {other.key}")
            if other.key == _ARCHIVE and own.real.match(RECORDS) and own.real.parent == other.real:
                _refuse(own, f"has the name of records, which come and go in {other.key}")
    with suppress(OSError):  # storage that fails keeps no node down
        refuse_foreign(Path(config.journal.ring), config.journal.records)
    for own in written:
        if own.key == _RING and (found := _kind(own.path)) is not None:
            _refuse(own, f"is {found}, in the place of a file that the node writes")


def _refuse(own: _Place, why: str) -> None:
    raise InputError(f"{own.path}: {why}; set {own.key} to another place")


def _written(config: NodeConfig) -> Iterator[_Place]:
    """Files that a node makes, replaces or adds to; first those that a key names by themselves."""
    ring, folder = Path(config.journal.ring), Path(config.output.folder)
    if config.telemetry is not None and (packets := file_of(config.telemetry, folder)) is not None:
        key = _OUTPUT if packets == folder / PACKETS else _PACKETS
        yield from (_place(key, path) for path in (packets, older(packets)))
    for path in (ring, aside(ring), tracks_beside(ring), drift_beside(ring)):
        yield _place(_RING, path)
    for name in (VERDICTS, EVENTS):
        yield from (_place(_OUTPUT, path) for path in (folder / name, older(folder / name)))
    yield from (_place(_OUTPUT, folder / name) for name in (SUMMARY, RECORD, CHOSEN, LOCK))


def _folders(config: NodeConfig) -> Iterator[_Place]:
    """Folders that a node makes and fills."""
    yield _place(_OUTPUT, Path(config.output.folder))
    if config.journal.archive is not None:
        yield _place(_ARCHIVE, Path(config.journal.archive))


def _read(config: NodeConfig) -> Iterator[_Place]:
    """Files and folders that a node reads: the bundles that were chosen by command among them."""
    configured = Choice(config.bundle, config.runtime.engine)
    chosen = Chosen.restore(Path(config.output.folder) / CHOSEN, configured, Events())
    for choice in chosen.choices:
        yield _place("bundle", Path(choice.bundle))
        if choice.engine is not None:
            yield _place("runtime.engine", Path(choice.engine))
    source, output, control = config.source, config.output.socket, config.control
    if isinstance(source, FolderConfig):
        yield _place("source.folder", Path(source.folder))
        if isinstance(source.boxes, str):
            yield _place("source.boxes", Path(source.boxes))
    elif isinstance(source, VideoConfig | RingConfig):
        yield _place("source.path", Path(source.path))
    elif isinstance(source, CameraConfig) and isinstance(source.device, str):
        yield _place("source.device", Path(source.device))
    elif isinstance(source, StreamConfig):
        yield from _keys("source", source.curve)
    yield from _keys("output.socket", None if output is None else output.curve)
    yield from _keys("control", None if control is None else control.curve)
    if config.signature.public_key is not None:
        yield _place("signature.public_key", Path(config.signature.public_key))


def _keys(name: str, curve: Curve | None) -> Iterator[_Place]:
    if curve is not None:
        yield _place(f"{name}.curve.own_secret", Path(curve.own_secret))
        yield _place(f"{name}.curve.peers", Path(curve.peers))


def _place(key: str, path: Path) -> _Place:
    return _Place(key, path, Path(os.path.realpath(path)))


def _kind(path: Path) -> str | None:
    """What lies there where that is no regular file; None: nothing, or one, or its storage does not tell."""
    with suppress(OSError):
        if not stat.S_ISREG(mode := path.stat().st_mode):
            return files.kind(mode)
    return None


def _lies_in(own: _Place, folder: _Place) -> bool:
    return any(_is(each, folder.real) for each in own.real.parents)


def _same(one: _Place, other: _Place) -> bool:
    return _is(one.real, other.real)


def _is(one: Path, other: Path) -> bool:
    """Whether both are one file or folder, also where it has two names, or is mounted twice."""
    if one == other:
        return True
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return False
