"""Exactly one terminal record for every frame, also through kill -9 and restart (docs/journal.md)."""

from onboard.event import Event, Events
from onboard.journal.archive import Archive, read_archive
from onboard.journal.journal import Arrival, Journal, JournalError
from onboard.journal.record import Entry
from onboard.journal.runs import Totals

__all__ = ["Archive", "Arrival", "Entry", "Event", "Events", "Journal", "JournalError", "Totals", "read_archive"]
