"""A start on storage that takes nothing, such as after a reset of the board: it is told, and the node flies."""

from pathlib import Path

from onboard.event import Events
from onboard.fly.kept import Kept, tracks_beside
from onboard.journal import Journal
from onboard.stderr import Stderr

_REMEDY = "mount it for writing, free it or replace it; under the unit, name it in ReadWritePaths"


def tell_of_folder(folder: Path, key: str, events: Events, why: str) -> None:
    """Tell that nothing is kept in a folder; `key` names it in the configuration."""
    lost = "nothing is kept there, and a restart knows nothing of this flight from it"
    _loudly(events, "storage_read_only", f"{folder} ({key}) takes nothing ({why}): {lost}; {_REMEDY}")


def tell_of_journal(journal: Journal, ring: Path, events: Events) -> None:
    """Tell of a journal that lies in memory alone, where it does."""
    if journal.in_memory is not None:
        promise = "exactly one record a frame until this process ends, and no record, archive nor track behind its end"
        where = f"{ring} takes nothing ({journal.why_in_memory}): the journal is in memory alone, {journal.in_memory}"
        _loudly(events, "journal_not_kept", f"{where}; {promise}; name a tmpfs, or: {_REMEDY}")


def tell_of_tracks(kept: Kept, ring: Path, events: Events) -> None:
    """Tell of tracks that lie in memory alone, where the journal beside them does not."""
    if kept.why_in_memory is not None:
        where = f"{tracks_beside(ring)} takes nothing ({kept.why_in_memory})"
        lost = "tracks are in memory alone, and end with the process"
        _loudly(events, "storage_read_only", f"{where}: {lost}; {_REMEDY}")


def _loudly(events: Events, name: str, detail: str) -> None:
    """On stderr too, for the storage may be the one that takes the events."""
    events.add(name, detail)
    Stderr().say(f"{name}: {detail}")
