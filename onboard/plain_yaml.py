"""YAML text as plain Python data: numbers and keys as people expect them, nothing that takes long or much memory."""

import math
import re
import reprlib
from collections.abc import Hashable
from typing import Any

import yaml

MOST_VALUES = 100_000
_NO_TEXT, _LONGEST_NUMBER = re.compile("[\x00\ud800-\udfff]"), 400
_SHORT = reprlib.Repr()  # a YAML file of a few lines can stand for gigabytes, by its anchors
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 3, 120, 120


def data(text: str) -> Any:
    """What a YAML document says; None where it is empty.

    Raises:
        yaml.YAMLError: it is not YAML, or says more than it may.
        RecursionError: it is nested too deeply.
        Exception: of int(), datetime() and the like, as for `!!bool maybe`, which PyYAML lets through.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def short(value: Any) -> str:
    """A value in few words, for a message."""
    return _SHORT.repr(value)


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
                    None, None, f"{short(key)} cannot be a key", key_node.start_mark
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
    if node.tag == "tag:yaml.org,2002:float" and not _is_finite(node.value):
        raise _refused(f"{node.value} is not allowed: a number is needed", node)


def _is_finite(written: str) -> bool:
    """Whether a number that YAML takes for a float is one: not `.nan`, `.inf`, or beyond what a float holds."""
    if written.lower().endswith(("nan", "inf")):
        return False
    try:
        return math.isfinite(float(written))
    except ValueError:  # of base 60, or with a comma
        return True


def _refused(what: str, node: yaml.Node) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, what, node.start_mark)
