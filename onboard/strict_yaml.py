"""YAML files decoded strictly into msgspec structs: unknown key, wrong type or bad value is an error.

Every message names the file, the key path, the value found, and what is allowed.
"""

from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from onboard import files, misfit, plain_yaml
from onboard.errors import InputError

T = TypeVar("T")
MOST_BYTES = 1 << 18


def load(path: Path, kind: type[T], overrides: dict[str, Any] | None = None, regular: bool = False) -> T:
    """Read a YAML file as `kind`, a msgspec struct with `forbid_unknown_fields=True`.

    Args:
        path: the file.
        kind: the struct to decode into.
        overrides: dotted key paths and their values, laid over the file's own (command-line options).
        regular: as `read` takes it.

    Raises:
        InputError: the file is missing, is not YAML, or does not fit `kind`.
    """
    raw = parse_file(path, regular)
    lay_over(raw, overrides or {}, str(path))
    return convert(raw, kind, str(path))


def parse_file(path: Path, regular: bool = False) -> dict[str, Any]:
    """The mapping that a YAML file holds; `regular` as `read` takes it.

    Raises:
        InputError: the file is missing, or is not YAML.
    """
    return parse(text_of(read(path, regular), path), str(path))


def lay_over(raw: dict[str, Any], overrides: dict[str, Any], name: str) -> None:
    """Lay values over a file's own, by dotted key paths; `name` is what an error calls the file."""
    for dotted, value in overrides.items():
        _lay_over(raw, dotted, value, name)


def read(path: Path, regular: bool = False) -> bytes:
    """The bytes of a YAML file, no more of them than such a file has.

    Args:
        path: the file.
        regular: refuse what is no regular file, such as a pipe, for which reading waits. A person may give a
            configuration by a pipe; what a program reads by itself is never one.

    Raises:
        InputError: it cannot be read, or is too large.
    """
    try:
        with files.open_regular(path) if regular else path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read ({error.strerror})") from error
    except ValueError as error:  # a NUL in its name
        raise InputError(f"{str(path)!r}: no file can have this name ({error})") from error
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: more than {MOST_BYTES} bytes; no configuration or manifest is so long")
    return data


def text_of(data: bytes, path: Path) -> str:
    """Bytes as text; `path` is what an error calls them."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file ({error.reason} at byte {error.start})") from error


def parse(text: str, name: str) -> dict[str, Any]:
    """Parse a YAML mapping; `name` is what an error calls it."""
    try:
        raw = plain_yaml.data(text)
    except RecursionError as error:
        raise InputError(f"{name}: not usable YAML: nested too deeply") from error
    # Beside its own errors, PyYAML lets through those of int(), datetime() and the like, as for `!!bool maybe`.
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise InputError(f"{name}: not valid YAML: {error}") from error
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise InputError(f"{name}: a mapping (key: value) is needed at the top, {type(raw).__name__} was found")
    return raw


def convert(raw: Any, kind: type[T], name: str) -> T:
    """Decode plain Python data as `kind`; `name` is what an error calls its source."""
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{name}: {misfit.explain(str(error), raw, kind)}") from error


def dump(value: Any) -> str:
    """Write a struct (or plain data) as YAML, keys in their order."""
    return yaml.safe_dump(msgspec.to_builtins(value), sort_keys=False, allow_unicode=True)


def _lay_over(raw: dict[str, Any], dotted: str, value: Any, name: str) -> None:
    keys = dotted.split(".")
    for depth, key in enumerate(keys[:-1], 1):
        if raw.get(key) is None:  # `source:` with nothing below it
            raw[key] = {}
        raw = raw[key]
        if not isinstance(raw, dict):
            raise InputError(
                f"{name}: {'.'.join(keys[:depth])}: {plain_yaml.short(raw)} is not allowed: a mapping (key: value) is "
                f"needed, for {dotted} is to be set in it"
            )
    raw[keys[-1]] = value
