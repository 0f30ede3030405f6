"""What flies: a bundle, the engine that runs it, and its rules, put in place and taken away as one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from onboard.bundle import MANIFEST, MANIFEST_HASH, Bundle
from onboard.detector import LOGIT, Detector
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.rules import RuleBook, Rules
from onboard.health.choice import Choice
from onboard.health.known import KnownAnswers
from onboard.signing import signature_of


class Way(NamedTuple):
    """An engine by the name that events call it, and what loads it and its bundle from their files."""

    name: str
    load: Callable[[], Detector]


Ways = Callable[[Choice], list[Way]]
"""The engines of a bundle, the preferred one first."""


@dataclass(frozen=True)
class Flown:
    """A bundle in flight.

    Attributes:
        choice: where it came from.
        bundle: checked.
        way, name: which of its engines runs it, from 0, and what events call that engine.
        detector, known: that engine, and what it has answered when it was loaded; None: no engine can be trusted.
        rules: the bundle's.
    """

    choice: Choice
    bundle: Bundle
    way: int
    name: str
    detector: Detector | None
    known: KnownAnswers | None
    rules: Rules

    @classmethod
    def load(cls, choice: Choice, way: Way, number: int, book: RuleBook) -> "Flown":
        """Load and test a bundle: hashes, known answers, rules.

        Args:
            choice: the bundle.
            way: one of its engines.
            number: which of them, from 0.
            book: makes its rules.

        Raises:
            InputError: it cannot fly, or is another one than the choice says.
            Exception: whatever the libraries raise on a sick GPU.
        """
        detector = way.load()
        bundle = detector.bundle
        if choice.sha256 not in (None, bundle.sha256):
            raise InputError(f"{bundle.folder}: another bundle lies there now; load it by command or restart to fly it")
        choice = Choice(choice.bundle, choice.engine, bundle.sha256)
        return cls(choice, bundle, number, way.name, detector, KnownAnswers(detector), book.of(bundle))

    def like(self, other: "Flown") -> bool:
        """Whether both are one bundle from one place in one kind of engine."""
        return (self.choice, self.way) == (other.choice, other.way)

    def carries(self, names: tuple[str, ...] | None) -> bool:
        """Whether it has outputs of a pose network, of these names; None: of any."""
        there = {spec.name for spec in self.bundle.manifest.outputs} - {LOGIT}
        return bool(there if names is None else there.intersection(names))

    def files(self) -> dict[Path, str | None]:
        """All files that a reload would read, and their SHA-256; None: nothing says it."""
        folder, manifest = self.bundle.folder, self.bundle.manifest
        found: dict[Path, str | None] = {folder / MANIFEST: self.bundle.sha256, folder / MANIFEST_HASH: None}
        found |= {folder / name: digest for name, digest in manifest.files.items()}
        if self.bundle.key is not None:
            found[signature_of(folder / MANIFEST)] = None
        return found if self.detector is None else found | self.detector.engine.files()

    def without_engine(self) -> "Flown":
        """The same, while nothing runs it."""
        return replace(self, detector=None, known=None)

    def close(self, events: Events) -> None:
        """Close its engine; the memory goes with the last reference to it."""
        close = getattr(self.detector and self.detector.engine, "close", None)
        try:
            if close is not None:
                close()
        except Exception as error:  # pycuda's errors have no common base class; the engine is given up anyway
            events.add("reload_failed", f"closing an engine: {error}")
