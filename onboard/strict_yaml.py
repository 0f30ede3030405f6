"""YAML files decoded strictly into msgspec structs: unknown key, wrong type or bad value is an error.

Every message names the file, the key path, the value found, and what is allowed.
"""

import difflib
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from onboard.errors import InputError

T = TypeVar("T")
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>.*)`)?$", re.DOTALL)


class _Loader(yaml.SafeLoader):
    """YAML 1.2's reading of numbers and of repeated keys, which people expect, over PyYAML's."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


# PyYAML takes 1e-3 for a string, because YAML 1.1 wants a dot in it.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def load(path: Path, kind: type[T], overrides: dict[str, Any] | None = None) -> T:
    """Read a YAML file as `kind`, a msgspec struct with `forbid_unknown_fields=True`.

    Args:
        path: the file.
        kind: the struct to decode into.
        overrides: dotted key paths and their values, laid over the file's own (command-line options).

    Raises:
        InputError: the file is missing, is not YAML, or does not fit `kind`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file ({error.reason} at byte {error.start})") from error
    raw = parse(text, str(path))
    for dotted, value in (overrides or {}).items():
        _lay_over(raw, dotted.split("."), value)
    return convert(raw, kind, str(path))


def parse(text: str, name: str) -> dict[str, Any]:
    """Parse a YAML mapping; `name` is what an error calls it."""
    try:
        raw = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a reader's complaint about odd characters
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
        raise InputError(f"{name}: {_explain(str(error), raw, kind)}") from error


def dump(value: Any) -> str:
    """Write a struct (or plain data) as YAML, keys in their order."""
    return yaml.safe_dump(msgspec.to_builtins(value), sort_keys=False, allow_unicode=True)


def _lay_over(raw: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        raw = raw.setdefault(key, {})
    raw[keys[-1]] = value


def _explain(message: str, raw: Any, kind: Any) -> str:
    match = _AT.match(message)
    what, path = (match["what"], match["path"] or "$") if match else (message, "$")
    keys = re.findall(r"[^.\[\]]+", path.removeprefix("$"))
    found, expected = _walk(raw, kind, keys)
    where = ".".join(keys) or "top level"
    if unknown := re.search(r"unknown field `(.*)`", what):
        names = [field.encode_name for field in _fields(expected)]
        near = difflib.get_close_matches(unknown[1], names, 1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        return f"unknown key '{unknown[1]}' at {where}{hint} Allowed: {', '.join(names)}"
    if missing := re.search(r"missing required field `(.*)`", what):
        return f"the key '{missing[1]}' is missing at {where}"
    allowed = _allowed(expected)
    return f"{where}: {found!r} is not allowed: {what}" + (f" (allowed: {allowed})" if allowed else "")


def _walk(raw: Any, kind: Any, keys: list[str]) -> tuple[Any, Any]:
    """Follow a key path through the data and through the type beside it."""
    expected: Any = msgspec.inspect.type_info(kind)
    for key in keys:
        expected = _pick(expected, raw)
        if isinstance(expected, msgspec.inspect.StructType):
            field = next((f for f in expected.fields if f.encode_name == key), None)
            expected = field.type if field else None
        elif isinstance(expected, msgspec.inspect.DictType):
            expected = expected.value_type
        else:
            expected = getattr(expected, "item_type", None)
        try:
            raw = raw[int(key)] if isinstance(raw, (list, tuple)) else raw[key]
        except (KeyError, IndexError, TypeError, ValueError):  # "[...]" stands for any element or value
            return raw, expected
    return raw, _pick(expected, raw)


def _pick(expected: Any, raw: Any) -> Any:
    """Of a union, the struct that the data means: the one with its tag, or the only one there is."""
    if not isinstance(expected, msgspec.inspect.UnionType):
        return expected
    structs = [t for t in expected.types if isinstance(t, msgspec.inspect.StructType)]
    for struct in structs:
        if isinstance(raw, dict) and struct.tag is not None and raw.get(struct.tag_field) == struct.tag:
            return struct
    return structs[0] if isinstance(raw, dict) and len(structs) == 1 else expected


def _fields(expected: Any) -> tuple[Any, ...]:
    return expected.fields if isinstance(expected, msgspec.inspect.StructType) else ()


def _allowed(expected: Any) -> str:
    if isinstance(expected, msgspec.inspect.LiteralType):
        return ", ".join(str(value) for value in expected.values)
    if isinstance(expected, msgspec.inspect.UnionType):
        parts = [_allowed(t) or ("null" if isinstance(t, msgspec.inspect.NoneType) else "") for t in expected.types]
        return ", ".join(part for part in parts if part)
    limits = {
        "ge": ">=",
        "gt": ">",
        "le": "<=",
        "lt": "<",
        "min_length": "length >=",
        "max_length": "length <=",
    }
    return " and ".join(
        f"{sign} {getattr(expected, name)}"
        for name, sign in limits.items()
        if getattr(expected, name, None) is not None
    )
