"""YAML files decoded strictly into msgspec structs: unknown key, wrong type or bad value is an error.

Every message names the file, the key path, the value found, and what is allowed.
"""

import difflib
import re
import reprlib
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from onboard.errors import InputError

T = TypeVar("T")
MOST_BYTES, MOST_VALUES = 1 << 18, 100_000
_NO_TEXT, _LONGEST_NUMBER = re.compile("[\x00\ud800-\udfff]"), 400
_ANY = "[...]"  # msgspec's sign for one of a mapping's values
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<key>key` in `)?(?P<path>.*)`)?$", re.DOTALL)
_SHORT = reprlib.Repr()  # a YAML file of a few lines can stand for gigabytes, by its anchors
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 3, 120, 120


class _Loader(yaml.SafeLoader):
    """YAML 1.2's reading of numbers and of repeated keys, which people expect, over PyYAML's."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, "merge keys (<<) are not supported here; write the keys out", key_node.start_mark
                )
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(
                    None, None, f"{_SHORT.repr(key)} cannot be a key", key_node.start_mark
                )
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
    raw = parse_file(path)
    lay_over(raw, overrides or {}, str(path))
    return convert(raw, kind, str(path))


def parse_file(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        InputError: the file is missing, or is not YAML.
    """
    return parse(text_of(read(path), path), str(path))


def lay_over(raw: dict[str, Any], overrides: dict[str, Any], name: str) -> None:
    """Lay values over a file's own, by dotted key paths; `name` is what an error calls the file."""
    for dotted, value in overrides.items():
        _lay_over(raw, dotted, value, name)


def read(path: Path) -> bytes:
    """The bytes of a YAML file, no more of them than such a file has.

    Raises:
        InputError: it cannot be read, or is too large.
    """
    try:
        with path.open("rb") as file:
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
        raw = _data(text)
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


def _data(text: str) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _count(node: yaml.Node, known: dict[yaml.Node, int]) -> int:
    """Values in a node, those of an alias at every place where it stands: a few lines can stand for gigabytes."""
    if node in known:
        if known[node] == 0:
            raise _refused("an alias (*) stands in its own value", node)
        return known[node]
    known[node] = 0
    total = 1
    if isinstance(node, yaml.ScalarNode):
        _look_at(node)
    else:
        for item in node.value:
            total += sum(_count(each, known) for each in (item if isinstance(item, tuple) else (item,)))
    if total > MOST_VALUES:
        raise _refused(f"more than {MOST_VALUES} values", node)
    known[node] = total
    return total


def _look_at(node: yaml.ScalarNode) -> None:
    """Refuse what YAML can say and nothing here can mean."""
    if odd := _NO_TEXT.search(node.value):
        raise _refused(f"the character {odd[0]!r} is not allowed", node)
    if node.tag == "tag:yaml.org,2002:str":
        return
    if len(node.value) > _LONGEST_NUMBER:  # 1:1:1 is a number of base 60 to YAML, and takes long
        raise _refused(f"a number of more than {_LONGEST_NUMBER} characters", node)
    if node.tag == "tag:yaml.org,2002:float" and node.value.lower().endswith("nan"):
        raise _refused(f"{node.value} is not allowed: a number is needed", node)


def _refused(what: str, node: yaml.Node) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, what, node.start_mark)


def convert(raw: Any, kind: type[T], name: str) -> T:
    """Decode plain Python data as `kind`; `name` is what an error calls its source."""
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{name}: {_explain(str(error), raw, kind)}") from error


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
                f"{name}: {'.'.join(keys[:depth])}: {_SHORT.repr(raw)} is not allowed: a mapping (key: value) is "
                f"needed, for {dotted} is to be set in it"
            )
    raw[keys[-1]] = value


def _explain(message: str, raw: Any, kind: Any) -> str:
    match = _AT.match(message)
    what, path = (match["what"], match["path"] or "$") if match else (message, "$")
    keys, found, expected = _walk(raw, kind, re.findall(r"\[\.\.\.\]|[^.\[\]]+", path.removeprefix("$")))
    where = ".".join(keys) or "top level"
    if unknown := re.search(r"unknown field `(.*)`", what):
        names = [field.encode_name for field in _fields(expected)]
        near = difflib.get_close_matches(unknown[1], names, 1)
        hint = f"; did you mean '{near[0]}'?" if near else "."
        return f"unknown key '{unknown[1]}' at {where}{hint} Allowed: {', '.join(names)}"
    if missing := re.search(r"missing required field `(.*)`", what):
        return f"the key '{missing[1]}' is missing at {where}"
    if match and match["key"]:
        odd = [key for key in found if not isinstance(key, str)] or list(found)
        return f"{where}: a key of {_SHORT.repr(odd)} is not allowed: {what}"
    allowed = _allowed(expected)
    return f"{where}: {_SHORT.repr(found)} is not allowed: {what}" + (f" (allowed: {allowed})" if allowed else "")


def _walk(raw: Any, kind: Any, path: list[str]) -> tuple[list[str], Any, Any]:
    """Follow a path through the data and through the type beside it; gives its keys, and the data and type there."""
    expected: Any = msgspec.inspect.type_info(kind)
    keys: list[str] = []
    for key in path:
        expected = _pick(expected, raw)
        key = _culprit(raw, expected) if key == _ANY else key
        keys.append(key)
        if isinstance(expected, msgspec.inspect.StructType):
            field = next((f for f in expected.fields if f.encode_name == key), None)
            expected = field.type if field else None
        elif isinstance(expected, msgspec.inspect.DictType):
            expected = expected.value_type
        elif tags := _tags(expected, key):
            expected = msgspec.inspect.LiteralType(tags)
        else:
            expected = getattr(expected, "item_type", None)
        try:
            raw = raw[int(key)] if isinstance(raw, (list, tuple)) else raw[key]
        except (KeyError, IndexError, TypeError, ValueError):  # `_ANY`, where the culprit isn't known
            return keys, raw, expected
    return keys, raw, _pick(expected, raw)


def _culprit(raw: Any, expected: Any) -> str:
    """The first key of a mapping whose value is not allowed; msgspec does not tell which it was."""
    kind = getattr(getattr(expected, "value_type", None), "cls", None)
    for key, value in raw.items() if kind and isinstance(raw, dict) else ():
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError:
            return str(key)
    return _ANY


def _pick(expected: Any, raw: Any) -> Any:
    """Of a union, the struct that the data means: the one with its tag, or the only one there is."""
    if not isinstance(expected, msgspec.inspect.UnionType):
        return expected
    structs = [t for t in expected.types if isinstance(t, msgspec.inspect.StructType)]
    for struct in structs:
        if isinstance(raw, dict) and struct.tag is not None and raw.get(struct.tag_field) == struct.tag:
            return struct
    return structs[0] if isinstance(raw, dict) and len(structs) == 1 else expected


def _tags(expected: Any, key: str) -> tuple[Any, ...]:
    """What a union's key may hold that says which of its structs is meant; nothing, where `key` is no such key."""
    structs = [t for t in getattr(expected, "types", ()) if isinstance(t, msgspec.inspect.StructType)]
    return tuple(struct.tag for struct in structs if struct.tag_field == key)


def _fields(expected: Any) -> tuple[Any, ...]:
    return expected.fields if isinstance(expected, msgspec.inspect.StructType) else ()


def _allowed(expected: Any) -> str:
    if isinstance(expected, msgspec.inspect.LiteralType):
        return ", ".join(str(value) for value in expected.values)
    if isinstance(expected, msgspec.inspect.UnionType):
        parts = [_allowed(t) or ("null" if isinstance(t, msgspec.inspect.NoneType) else "") for t in expected.types]
        return ", ".join(parts) if all(parts) else ""  # half a list would mislead; msgspec names the types
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
