"""A start that is refused leaves nothing behind that it has made itself, and nothing else altered."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onboard import strict_yaml
from onboard.__main__ import main
from onboard.errors import InputError
from onboard.fly.config import NodeConfig
from onboard.fly.opening import parts_of
from onboard.hold import held

Configured = Callable[..., NodeConfig]
WRONG = {
    "no bundle": {"bundle": "/nowhere"},
    "no frames": {"source": {"kind": "folder", "folder": "/nowhere"}},
    "no engine": {"runtime": {"engine": "/nowhere"}, "source": {"kind": "folder", "folder": "/nowhere"}},
    "no room": {"journal__records": 1 << 24},
    "no socket": {"output__socket": {"kind": "push", "endpoint": "ipc:///nowhere/verdicts"}},
}


def there(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("command", ["fly", "run"])
def test_nothing_is_left_of_a_start_that_was_refused(
    configured: Configured, tmp_path: Path, command: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: int) -> None:
        raise OSError(28, "No space left on device")

    if wrong == "no room":
        monkeypatch.setattr("os.posix_fallocate", no_room)
    places = {"output__folder": "a/b/out", "journal__archive": "archive", "journal__ring": "c/ring"}
    telemetry = {"telemetry": {"to": {"kind": "file", "path": str(tmp_path / "d" / "packets")}, "apid": 1}}
    config = configured(**{key: str(tmp_path / name) for key, name in places.items()}, **telemetry, **WRONG[wrong])
    path = tmp_path / "refused.yaml"
    path.write_text(strict_yaml.dump(config))
    before = there(tmp_path)
    assert main([command, str(path)]) == 2
    assert there(tmp_path) == before


def test_what_an_earlier_flight_has_left_stays_as_it_was(configured: Configured, tmp_path: Path) -> None:
    with parts_of(configured()):
        pass
    (tmp_path / "out" / "events.jsonl").write_text("{}\n")
    before = there(tmp_path / "out")
    ring = (tmp_path / "journal").read_bytes()
    with pytest.raises(InputError), parts_of(configured(**WRONG["no frames"])):
        pass
    assert there(tmp_path / "out") == before
    assert (tmp_path / "journal").read_bytes() == ring


def test_a_refused_start_does_not_take_away_what_another_process_holds(configured: Configured, tmp_path: Path) -> None:
    with parts_of(configured()):
        other = configured(output__folder=str(tmp_path / "other" / "out"))  # the ring is the first one's
        with pytest.raises(InputError, match="keeps this journal"), parts_of(other):
            pass
        assert not (tmp_path / "other").exists() and (tmp_path / "journal").exists()


def test_a_folder_that_got_something_stays(tmp_path: Path) -> None:
    with pytest.raises(InputError), held(tmp_path / "out", "output.folder"):
        (tmp_path / "out" / "verdicts.jsonl").write_text("{}")
        raise InputError("later")
    assert (tmp_path / "out" / "verdicts.jsonl").exists()


def test_a_folder_in_the_place_of_the_node_s_own_record_is_named(configured: Configured, tmp_path: Path) -> None:
    (tmp_path / "out" / "node.yaml").mkdir(parents=True)
    says = r"out/node\.yaml: cannot be written \(Is a directory\); remove it, or .* \(output\.folder\)"
    with pytest.raises(InputError, match=says), parts_of(configured()):
        pass


def test_a_record_that_may_not_be_written_is_named_with_the_remedy(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, _: str) -> None:
        raise PermissionError(1, "Operation not permitted", f"{path.parent}/.{path.name}.1.part.yaml")

    monkeypatch.setattr("onboard.files.write_text", refused)
    says = (
        rf"out/node\.yaml: cannot be written \(Operation not permitted\); give it, and {tmp_path}/out, .*chown.*output"
    )
    with pytest.raises(InputError, match=says), parts_of(configured()):
        pass


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("out/.lock", r"out/\.lock: cannot be written \(Permission denied\); give .*chown.* set output\.folder"),
        ("journal.tracks", r"journal\.tracks: tracks .*Permission denied.*; give .*chown.* \(journal\.ring\)"),
    ],
)
def test_a_file_of_another_user_is_named_with_key_and_remedy(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    with parts_of(configured()):
        pass
    real = os.open

    def refused(path: Any, *how: Any, **more: Any) -> int:
        if path == tmp_path / name:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *how, **more)

    monkeypatch.setattr("os.open", refused)
    with pytest.raises(InputError, match=says), parts_of(configured()):
        pass
