"""Which bundle flies, and which flew before it; kept in a file, so that a restart flies what was chosen last."""

from pathlib import Path
from typing import Annotated

import msgspec

from onboard import strict_yaml
from onboard.errors import InputError
from onboard.event import Events

_MOST = 8


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
    """

    configured: Choice
    choices: Annotated[tuple[Choice, ...], msgspec.Meta(min_length=1)]

    @classmethod
    def restore(cls, path: Path, configured: Choice, events: Events) -> "Chosen":
        """What was chosen last; the configuration's where there is no file, or it is of another configuration.

        Args:
            path: of the file.
            configured: what the configuration says.
            events: told `choice_lost` where the file cannot be read.
        """
        fresh = cls(configured, (configured,))
        if not path.exists():
            return fresh
        try:
            found = strict_yaml.load(path, cls)
        except InputError as error:
            events.add("choice_lost", f"{error}; flying the configured bundle")
            return fresh
        if found.configured != configured:
            return fresh
        return cls(configured, (configured, *found.choices[1:]))  # there another bundle may lie than before

    @property
    def earlier(self) -> Choice | None:
        """The bundle that flew before the one that flies."""
        return self.choices[-2] if len(self.choices) > 1 else None

    def flying(self, choice: Choice) -> "Chosen":
        """With another one that flies now; the configured one and the last of the others are kept."""
        first, *others = self.choices
        return msgspec.structs.replace(self, choices=(first, *[*others, choice][-_MOST:]))

    def without_last(self, *instead: Choice) -> "Chosen":
        """With the one before it, or another one in its place."""
        return msgspec.structs.replace(self, choices=(*self.choices[:-1], *instead))
