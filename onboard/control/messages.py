"""Commands and replies on the wire: one JSON object each, decoded strictly."""

from typing import Annotated, Any

import msgspec

MOST_COMMAND_BYTES, MOST_REPLY_BYTES = 16 << 10, 1 << 20
Rate = Annotated[float, msgspec.Meta(gt=0, lt=1)]
FolderName = Annotated[str, msgspec.Meta(min_length=1, max_length=4096, pattern=r"^[^\x00]+\Z")]


class _Command(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="command"):
    pass


class Status(_Command, frozen=True, tag="status"):
    """How it flies: engine, bundle, false-alarm rate, counts."""


class SetAlpha(_Command, frozen=True, tag="set_alpha"):
    """Another false-alarm rate of a frame, from the next frame on; tracks keep the bundle's own.

    Attributes:
        false_alarm_rate, confidence: as in the node's configuration.
    """

    false_alarm_rate: Rate
    confidence: Rate | None = None


class Pause(_Command, frozen=True, tag="pause"):
    """Frames are SKIPPED(paused) from now on."""


class Resume(_Command, frozen=True, tag="resume"):
    """Frames are judged again."""


class Load(_Command, frozen=True, tag="load"):
    """Another bundle.

    Attributes:
        bundle: its folder on the node's host.
        engine: folder of a TensorRT engine that was built from it; None: ONNX Runtime.
    """

    bundle: FolderName
    engine: FolderName | None = None


class RollBack(_Command, frozen=True, tag="roll_back"):
    """Back to the bundle before."""


class SelfTest(_Command, frozen=True, tag="self_test"):
    """The known answers, now."""


class Stop(_Command, frozen=True, tag="stop"):
    """End as after SIGTERM."""


Command = Status | SetAlpha | Pause | Resume | Load | RollBack | SelfTest | Stop


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The word on one command.

    Attributes:
        ok: whether it was carried out.
        command: its name; None where it could not be read.
        result: what came of it.
        reason: of an error: `unreadable`, `refused` (nothing was changed), `failed`, `withdrawn` (nothing was done),
            `under_way` (its end will be an event) or `ending`.
        error: of an error: a sentence with what to do.
    """

    ok: bool
    command: str | None = None
    result: dict[str, Any] = {}
    reason: str | None = None
    error: str | None = None


class UnreadableError(Exception):
    """A message that is no command, or none that may be."""


_DECODER = msgspec.json.Decoder(Command)


def decode(data: bytes | memoryview) -> Command:
    """The command of a message.

    Raises:
        UnreadableError: it is too large, not JSON, or no command with just its fields.
    """
    if len(data) > MOST_COMMAND_BYTES:
        raise UnreadableError(f"{len(data)} bytes; a command has at most {MOST_COMMAND_BYTES}")
    try:
        command: Command = _DECODER.decode(data)
    except msgspec.ValidationError as error:
        raise UnreadableError(str(error)) from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UnreadableError(f'{error}; a JSON object such as {{"command": "status"}} is needed') from error
    return command


def checked(command: Command) -> Command:
    """A command that the other side will be able to read.

    Raises:
        UnreadableError: it will not.
    """
    try:
        data = msgspec.json.encode(command)
    except UnicodeEncodeError as error:
        raise UnreadableError(f"not text in UTF-8 ({error.reason})") from error
    return decode(data)


def name_of(command: Command) -> str:
    """As the wire has it."""
    return str(command.__struct_config__.tag)
