"""What the configuration needs of this machine: folders, files, free storage, what the kernel permits."""

import os
import threading
from pathlib import Path

from onboard import hold
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly import opening
from onboard.fly.config import NodeConfig
from onboard.fly.kept import tracks_beside
from onboard.fly.own_places import refuse_foreign_places
from onboard.fly.realtime import ask_for
from onboard.fly.summary import SUMMARY
from onboard.fly.track_file import file_bytes
from onboard.fly.tracks import MOST
from onboard.journal.ringfile import HEADER_BYTES, read_sizes, ring_bytes
from onboard.selftest import written
from onboard.selftest.check import Check
from onboard.telemetry.opening import file_of

_ARCHIVE_PART = 16  # of the ring in each archived file
_SHM, _IN_MEMORY = Path("/dev/shm"), ("tmpfs", "ramfs")


def check(config: NodeConfig) -> list[Check]:
    """The places that are written, journal, output and permissions."""
    return [_places(config), _journal(config), _output(config), _permissions(config)]


def _places(config: NodeConfig) -> Check:
    try:
        refuse_foreign_places(config)
    except InputError as error:
        return Check("places", False, str(error))
    return Check("places", True, "what the node writes is its own")


def _journal(config: NodeConfig) -> Check:
    path, records = Path(config.journal.ring), config.journal.records
    tracks = tracks_beside(path)
    for each in (path, tracks):
        if (wrong := written.opened(each, "journal.ring")) is not None:
            return Check("journal", False, wrong)
    there = path.is_file()
    if there and (wrong := _other_journal(path, records)) is not None:
        return Check("journal", False, f"{path}: {wrong}")
    needed = (0 if there else ring_bytes(records)) + (0 if tracks.is_file() else file_bytes(MOST))
    if needed and (wrong := _unusable(_existing(path.parent), needed)) is not None:
        return Check("journal", False, f"journal.ring {path}: {wrong}")
    if (lacking := no_shared_memory(path)) is not None:
        return Check("journal", False, f"journal.ring {path}: {lacking}")
    said = "goes on with the one that is there" if there else "can be made"
    return Check("journal", True, f"{path}: {said}{no_tmpfs(path)}")


def _other_journal(path: Path, records: int) -> str | None:
    """Why the node cannot go on with the ring that is there; None: it can."""
    with path.open("rb") as file:
        sizes = read_sizes(file.read(HEADER_BYTES), path.stat().st_size)
    if sizes is None:
        return "no whole journal; move it away (the node sets aside what damage left of one)"
    return None if sizes[0] == records else f"holds {sizes[0]} records, journal.records says {records}"


def no_shared_memory(path: Path) -> str | None:
    """Why a file that the configuration has in shared memory cannot lie there; None: it can, or lies elsewhere."""
    if not path.absolute().is_relative_to(_SHM) or (_SHM.is_dir() and _file_system(_SHM) in _IN_MEMORY):
        return None
    return f"{_SHM} is no tmpfs here; mount one (mount -t tmpfs tmpfs {_SHM}), or name a place on another, such as /run"


def no_tmpfs(path: Path) -> str:
    """A note on a file that is best in memory and does not lie there; empty where it does."""
    folder = _existing(path.parent)
    kind = _file_system(folder)
    return "" if kind in _IN_MEMORY else f"; {folder} is no tmpfs but {kind}: a slow disk can hold up the loop"


def _output(config: NodeConfig) -> Check:
    folder = _existing(Path(config.output.folder))
    needed = round((4 if config.output.verdicts else 2) * config.output.file_mb * 1e6)  # each file, and the one before
    if (wrong := _unusable(folder, needed)) is not None:
        return Check("output", False, f"output.folder {config.output.folder}: {wrong}; or lower output.file_mb")
    if config.journal.archive is not None:
        archive, size = Path(config.journal.archive), ring_bytes(config.journal.records) // _ARCHIVE_PART
        if (wrong := _unusable(_existing(archive), size * config.journal.archive_files)) is not None:
            return Check("output", False, f"journal.archive {archive}: {wrong}; or lower journal.archive_files")
    if (wrong := _files(config) or _packets(config)) is not None:
        return Check("output", False, wrong)
    return Check("output", True, f"{config.output.folder}: can be written, {_free(folder) / 1e9:.1f} GB free")


def _packets(config: NodeConfig) -> str | None:
    """Why telemetry's file cannot be kept; None: it can, or there is none."""
    path = None if config.telemetry is None else file_of(config.telemetry, Path(config.output.folder))
    if path is None:
        return None
    wrong = _unusable(_existing(path.parent), 0)
    return written.opened(path, "telemetry.to.path") if wrong is None else f"telemetry.to.path {path}: {wrong}"


def _files(config: NodeConfig) -> str | None:
    """Why one of the node's files that are there cannot be written; the locks first, for they say that a node flies."""
    folder, key = Path(config.output.folder), "output.folder"
    lines = (opening.EVENTS, opening.VERDICTS) if config.output.verdicts else (opening.EVENTS,)
    found = [written.opened(place / hold.LOCK, its) for place, its in opening.places(config).items()]
    if not any(found):
        found += [written.opened(folder / name, key) for name in lines]
        found += [written.replaced(folder / name, key) for name in (opening.RECORD, SUMMARY, opening.CHOSEN)]
    return next((wrong for wrong in found if wrong is not None), None)


def _permissions(config: NodeConfig) -> Check:
    events = Events()
    asking = threading.Thread(target=ask_for, args=(config.realtime, events))  # whose priority ends with it
    asking.start()
    asking.join()
    if refused := events.take():
        return Check("permissions", False, "; ".join(event.detail for event in refused))
    asked = {"priority": config.realtime.priority, "cores": config.realtime.cores}
    named = [f"{name} {value}" for name, value in asked.items() if value is not None]
    named += ["locked memory"] if config.realtime.lock_memory else []
    return Check("permissions", True, ", ".join(named) or "realtime asks for nothing")


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there: the node makes the others."""
    places = (folder, *folder.absolute().parents)
    return next((each for each in places if os.path.exists(each)), Path("/"))  # noqa: PTH110 - it raises nothing


def _unusable(folder: Path, needed: int) -> str | None:
    if not folder.is_dir():
        return f"{folder} is no folder; name another place"
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return f"{folder} is read-only: the node would fly and keep nothing there; mount it for writing"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} may not be written by this user; name another place, or give it to the node's user"
    if _free(folder) < needed:
        return f"{needed / 1e6:.1f} MB may be needed, {_free(folder) / 1e6:.1f} MB are free in {folder}; free some"
    return None


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _file_system(folder: Path) -> str:
    """Its kind by /proc/mounts: that of the deepest mount above it."""
    place, best, kind = folder.resolve(), -1, "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, found, *_ = line.split(" ")
        if place.is_relative_to(mount) and len(mount) > best:
            best, kind = len(mount), found
    return kind
