"""Which bundle flies, and which flew before it; kept in a file, so that a restart flies what was chosen last."""

from pathlib import Path
from typing import Annotated

import msgspec

from onboard import strict_yaml
from onboard.errors import InputError
from onboard.event import Events

_MOST = 8
_MOST_STARTS = 2  # of a bundle on trial; the unit's StartLimitBurst leaves starts for the one before


class Choice(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A bundle to fly.

    Attributes:
        bundle: its folder.
        engine: folder of a TensorRT engine that was built from it; None: ONNX Runtime.
        sha256: of the bundle that flew from there; None: any.
    """

    bundle: str
    engine: str | None = None
    sha256: str | None = None


class Chosen(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is kept.

    Attributes:
        configured: what the configuration says; where it says something else now, this file counts for nothing.
        choices: the configured bundle first, the one that flies last.
        proven: whether the last one has answered `invalid.healthy_frames` since it came; in a file that is older than
            this key it has not.
        starts: of processes that flew the last one unproven.
    """

    configured: Choice
    choices: Annotated[tuple[Choice, ...], msgspec.Meta(min_length=1)]
    proven: bool = False
    starts: Annotated[int, msgspec.Meta(ge=0)] = 0

    @classmethod
    def restore(cls, path: Path, configured: Choice, events: Events) -> "Chosen":
        """What was chosen last; the configuration's where there is no file, or it is of another configuration.

        Args:
            path: of the file.
            configured: what the configuration says.
            events: told `choice_lost` where the file cannot be read.
        """
        fresh = cls(configured, (configured,))
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return fresh
        except OSError:  # such as of a dying disk: reading it says so
            pass
        try:
            found = strict_yaml.load(path, cls, regular=True)
        except InputError as error:
            events.add("choice_lost", f"{error}; flying the configured bundle")
            return fresh
        if found.configured != configured:
            return fresh
        choices = (configured, *found.choices[1:])  # there another bundle may lie than before
        return msgspec.structs.replace(found, choices=choices)

    @property
    def earlier(self) -> Choice | None:
        """The bundle that flew before the one that flies."""
        return self.choices[-2] if len(self.choices) > 1 else None

    @property
    def on_trial(self) -> bool:
        """Whether the bundle before may have to fly again; the configured one alone counts as proven."""
        return self.earlier is not None and not self.proven

    def at_start(self, events: Events) -> "Chosen":
        """What a process that starts shall fly: a bundle on trial for the second time at most, for it may be what ended
        the processes before, by a crash that no event tells of.

        Args:
            events: told `bundle_rolled_back`.
        """
        if not self.on_trial or self.earlier is None:
            return self
        if self.starts < _MOST_STARTS:
            return msgspec.structs.replace(self, starts=self.starts + 1)
        why = (
            f"{self.earlier.bundle} in place of {self.choices[-1].bundle}, with which the node was started "
            f"{self.starts} times and did not answer invalid.healthy_frames: it may end the process, "
            "or could not be loaded then"
        )
        events.add("bundle_rolled_back", why)
        return self.without_last().at_start(events)

    def proved(self) -> "Chosen":
        """With a last one that has answered frames enough."""
        return msgspec.structs.replace(self, proven=True, starts=0)

    def flying(self, choice: Choice) -> "Chosen":
        """With another one that flies now, unproven; the configured one and the last of the others are kept.

        One that is loaded once more is no other: its trial goes on, and what flew before it is not forgotten.
        """
        if choice == self.choices[-1]:
            return self
        first, *others = self.choices
        return Chosen(self.configured, (first, *[*others, choice][-_MOST:]))

    def without_last(self) -> "Chosen":
        """With the one before it, which has to prove itself again: nobody has kept whether it had."""
        return Chosen(self.configured, self.choices[:-1])

    def with_last(self, known: Choice) -> "Chosen":
        """With the last one as it was found."""
        return msgspec.structs.replace(self, choices=(*self.choices[:-1], known))
