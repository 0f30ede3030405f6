"""Files that are nearly right: a valid YAML file with values, keys and characters changed at random."""

import copy
import datetime
import math
from typing import Any

import yaml
from hypothesis import strategies as st

_DEEP: Any = []
for _ in range(60):
    _DEEP = [_DEEP]

ODD = st.one_of(
    st.sampled_from([None, True, False, [], {}, _DEEP, [[]], [{}], {"": ""}, {1: 2}, {None: None}]),
    st.sampled_from(["", "\0", "a\0b", "../../etc/passwd", "/dev/full", ".", "x" * 5000, "\U0001f680", "0" * 64]),
    st.sampled_from([0, -1, 1, 2, 1 << 31, 1 << 63, -(1 << 70), 10**300, -0.0, 1e-320, 1e300, math.inf, math.nan]),
    st.sampled_from([datetime.date(2026, 1, 1), b"bytes"]),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.lists(st.integers(), max_size=5),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


def bomb(levels: int, each: int = 9) -> str:
    """A value of a few lines that stands for `each` to the power of `levels` values."""
    lines = [f"a0: &a0 [{', '.join(['x'] * each)}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * each)}]" for n in range(1, levels)]
    return "{" + ", ".join(lines) + "}"


RAW = st.sampled_from(
    [
        bomb(9),
        "&a [*a]",
        "&a {b: *a}",
        "[" * 400,
        "{a: " * 400,
        "- " * 400,
        "? " * 400,
        "0x" + "f" * 5000,
        "9" * 5000,
        "1" + ":1" * 5000,
        "1" * 200 + "." + "1" * 200,
        '"\\0"',
        '"\\ud800"',
        '"\\U00110000"',
        "!!python/object/apply:os.getcwd []",
        "!!int ''",
        "!!float +",
        "!!bool maybe",
        "!!timestamp x",
        "!!binary '%'",
        "!!set {a, b}",
        "!!omap [a]",
        "!<tag:yaml.org,2002:int> ''",
        "<<",
        "=",
        ".nan",
        "-.inf",
        "1e999",
        "2026-13-45",
        "\t",
        "\x00",
        "\x85",
        "\ufeff",
        "...\n---\na: 1",
        "%YAML 9.9\n---\n",
    ]
)


@st.composite
def mutated(draw: st.DrawFn, valid: dict[str, Any]) -> bytes:
    """A YAML file made from `valid` by up to three changes of its values and up to two of its bytes."""
    data, raw = copy.deepcopy(valid), {}
    for number in range(draw(st.integers(0, 3))):
        raw.update(_change(draw, data, f"raw{number}"))
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    for mark, value in raw.items():
        text = text.replace(mark, value)
    found = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(max(0, draw(st.integers(-2, 2)))):
        at = draw(st.integers(0, len(found)))
        match draw(st.integers(0, 2)):
            case 0:
                found[at : at + 1] = draw(st.binary(max_size=4))
            case 1:
                del found[at:]
            case _:
                found[at:at] = draw(RAW).encode()
    return bytes(found)


def _change(draw: st.DrawFn, data: Any, mark: str) -> dict[str, str]:
    """Change something in a tree; gives what stands for raw YAML that is to be put in later."""
    place = data
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return {}
        key = draw(st.sampled_from(keys))
        if not isinstance(place[key], (dict, list)) or not place[key] or draw(st.booleans()):
            break
        place = place[key]
    kind = draw(st.integers(0, 4))
    if kind == 0:
        del place[key]
    elif kind == 1 and isinstance(place, dict):
        place[draw(st.text(max_size=8))] = copy.deepcopy(draw(ODD))  # the next change may be one within it
    elif kind == 2:
        place[key] = mark
        return {mark: draw(RAW)}
    else:
        place[key] = copy.deepcopy(draw(ODD))
    return {}
