"""What does not fit: msgspec's words on data that are not as a struct wants them, made into a sentence for a person."""

import difflib
import re
from typing import Any

import msgspec

from onboard.plain_yaml import short

_ANY = "[...]"  # msgspec's sign for one of a mapping's values
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<key>key` in `)?(?P<path>.*)`)?$", re.DOTALL)


def explain(message: str, raw: Any, kind: Any) -> str:
    """The key path, the value found there, and what is allowed.

    Args:
        message: of msgspec's ValidationError.
        raw: the data.
        kind: the struct that they do not fit.
    """
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
        return f"{where}: a key of {short(odd)} is not allowed: {what}"
    if not keys and isinstance(found, dict):  # the struct's own words on several of its keys, which they name
        return what
    allowed = _allowed(expected)
    return f"{where}: {short(found)} is not allowed: {what}" + (f" (allowed: {allowed})" if allowed else "")


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
    held = " and ".join(
        f"{sign} {getattr(expected, name)}"
        for name, sign in limits.items()
        if getattr(expected, name, None) is not None
    )
    is_list = isinstance(expected, (msgspec.inspect.ListType, msgspec.inspect.VarTupleType))
    return f"a list of {held}" if held and is_list else held
