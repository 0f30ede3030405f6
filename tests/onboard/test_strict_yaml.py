"""Configurations: what is wrong is named with its file, its key path, its value and what is allowed."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from onboard import strict_yaml
from onboard.errors import InputError


class Square(msgspec.Struct, forbid_unknown_fields=True, tag="square", tag_field="kind"):
    side_px: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1


class Round(msgspec.Struct, forbid_unknown_fields=True, tag="round", tag_field="kind"):
    radius_px: float


class Part(msgspec.Struct, forbid_unknown_fields=True):
    shape: Square | Round
    colour: Literal["red", "blue"] = "red"


class Config(msgspec.Struct, forbid_unknown_fields=True):
    title: str = ""
    rate: Annotated[float, msgspec.Meta(gt=0)] | Literal["auto"] = "auto"
    size: tuple[int, int] | None = None
    part: Part | None = None
    parts: list[Part] = []


def load(tmp_path: Path, text: str | bytes, overrides: dict[str, object] | None = None) -> Config:
    path = tmp_path / "c.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return strict_yaml.load(path, Config, overrides)


def refusal(tmp_path: Path, text: str | bytes, overrides: dict[str, object] | None = None) -> str:
    """What the error says behind the file's name."""
    with pytest.raises(InputError) as error:
        load(tmp_path, text, overrides)
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'c.yaml'}: ")
    return message.removeprefix(f"{tmp_path / 'c.yaml'}: ")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("titel: x", ["unknown key 'titel' at top level", "did you mean 'title'?", "title, rate, size, part, parts"]),
        ("zzz: x", ["unknown key 'zzz' at top level. Allowed: title"]),
        ("part: {shape: {kind: square, radius_px: 3}}", ["'radius_px' at part.shape", "Allowed: side_px"]),
        ("part: {colour: red}", ["the key 'shape' is missing at part"]),
        ("part: {shape: {kind: round}}", ["the key 'radius_px' is missing at part.shape"]),
        ("part: {shape: {kind: square, side_px: two}}", ["part.shape.side_px: 'two' is not allowed", "`int`"]),
        ("part: {shape: {kind: square, side_px: 0}}", ["part.shape.side_px: 0 is not allowed", ">= 1 and <= 9"]),
        ("part: {shape: {kind: oval}}", ["part.shape.kind: 'oval'", "(allowed: ", "square", "round"]),
        ("part: {shape: {kind: square}, colour: pink}", ["part.colour: 'pink'", "allowed: blue, red"]),
        ("parts: [{shape: {kind: square}}, {shape: {kind: square, side_px: 10}}]", ["parts.1.shape.side_px: 10"]),
        ("rate: -1", ["rate: -1 is not allowed"]),
        ("rate: fast", ["rate: 'fast' is not allowed", "> 0, auto"]),
        ("size: big", ["size: 'big' is not allowed", "array | null"]),
        ("title: a\ntitle: b", ["the key 'title' stands twice", "line 2"]),
        ("part: {shape: {kind: square, kind: round}}", ["the key 'kind' stands twice"]),
        ("3: x", ["top level: a key of [3] is not allowed"]),
        ("? [a]\n: 3", ["not valid YAML", "['a'] cannot be a key", "line 1"]),
        ("? {a: 1}\n: 3", ["not valid YAML", "cannot be a key"]),
        ("part: {<<: {colour: red}}", ["merge keys (<<) are not supported"]),
        ("title: [", ["not valid YAML", "line 1"]),
        ("title: !!bool maybe", ["not valid YAML", "maybe"]),
        ("title: !!python/object/apply:os.getcwd []", ["not valid YAML", "os.getcwd"]),
        ("title: a\x07b", ["not valid YAML"]),
        ("[" * 5000 + "]" * 5000, ["nested too deeply"]),
        ("- 1\n- 2", ["a mapping (key: value) is needed at the top, list was found"]),
        ("a: 1\n---\na: 2", ["single document"]),
        ("title: &a [*a]", ["an alias (*) stands in its own value", "line 1"]),
        ("title: .nan", [".nan is not allowed: a number is needed"]),
        ("title: -.INF", ["-.INF is not allowed: a number is needed"]),
        ("title: 1e400", ["1e400 is not allowed: a number is needed"]),
        ('title: "a\\0b"', ["the character '\\x00' is not allowed"]),
        ('title: "\\ud800"', ["the character '\\ud800' is not allowed"]),
        ("title: 1" + ":1" * 1000, ["a number of more than 400 characters"]),
        ("title: 0x" + "f" * 1000, ["a number of more than 400 characters"]),
        ("title: !!int ''", ["not valid YAML"]),
        ("title: " + "x" * 300_000, ["more than 262144 bytes"]),
        (b"\x89PNG\r\n\x1a\n\x00", ["not a text file", "byte 0"]),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str | bytes, parts: list[str]) -> None:
    message = refusal(tmp_path, text)
    for part in parts:
        assert part in message


def test_no_half_list_of_what_is_allowed(tmp_path: Path) -> None:
    assert "(allowed" not in refusal(tmp_path, "size: big")  # two numbers are as well


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: the file cannot be read \(No such file"):
        strict_yaml.load(tmp_path / "none.yaml", Config)


@pytest.mark.parametrize(("text", "rate"), [("1e-3", 1e-3), ("2E3", 2000.0), ("1.5e+2", 150.0), ("0.25", 0.25)])
def test_numbers_as_people_write_them(tmp_path: Path, text: str, rate: float) -> None:
    assert load(tmp_path, f"rate: {text}").rate == rate


def test_a_file_that_is_right_is_read_and_an_empty_one_is_all_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, "title: é\nsize: [3, 4]\npart: {shape: {kind: round, radius_px: 2}, colour: blue}")
    assert config == Config(title="é", size=(3, 4), part=Part(Round(2.0), "blue"))
    assert load(tmp_path, "") == Config()
    assert load(tmp_path, strict_yaml.dump(config)) == config


def test_overrides_win_and_make_what_is_missing(tmp_path: Path) -> None:
    text = "part: {shape: {kind: square, side_px: 3}}"
    assert load(tmp_path, text, {"part.shape.side_px": 4, "title": "x"}) == Config("x", part=Part(Square(4)))
    made = {"part.shape.kind": "square"}
    assert load(tmp_path, "", made) == load(tmp_path, "part:", made) == Config(part=Part(Square()))


@pytest.mark.parametrize(
    ("text", "overrides", "parts"),
    [
        ("part: 3", {"part.colour": "red"}, ["part: 3 is not allowed", "part.colour"]),
        ("part: {shape: [1]}", {"part.shape.kind": "square"}, ["part.shape: [1] is not allowed", "part.shape.kind"]),
        ("part: {shape: {kind: square}}", {"part.color": "red"}, ["unknown key 'color' at part", "'colour'"]),
    ],
)
def test_overrides_that_do_not_fit(tmp_path: Path, text: str, overrides: dict[str, object], parts: list[str]) -> None:
    message = refusal(tmp_path, text, overrides)
    for part in parts:
        assert part in message


def bomb(levels: int) -> str:
    """YAML of a few lines that stands for nine to the power of `levels` values."""
    lines = [f" - &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(["title:", " - &a0 [x, x]", *lines])


def test_a_few_lines_that_stand_for_gigabytes_are_refused_and_many_give_a_short_message(tmp_path: Path) -> None:
    assert "more than 100000 values" in refusal(tmp_path, bomb(40))
    message = refusal(tmp_path, bomb(4))
    assert "`str`, got `array`" in message
    assert len(message) < 2_000
