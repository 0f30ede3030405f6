import errno
import os
import subprocess
import threading
from pathlib import Path

import pytest

from onboard import files
from onboard.hold import held


def _folder(path: Path, word: str) -> Path:
    path.mkdir()
    (path / "word").write_text(word, encoding="utf-8")
    return path


def test_a_folder_is_never_away_while_another_takes_its_place(tmp_path: Path) -> None:
    place, away, done = _folder(tmp_path / "place", "0"), 0, threading.Event()

    def look() -> None:
        nonlocal away
        while not done.is_set():
            away += not place.exists()

    looking = threading.Thread(target=look)
    looking.start()
    for turn in range(300):
        files.replace_folder(_folder(tmp_path / "beside", str(turn)), place)
    done.set()
    looking.join()
    assert away == 0
    assert (place / "word").read_text(encoding="utf-8") == "299"
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_a_folder_is_replaced_where_no_exchange_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_exchanged", lambda *_: False)
    place = _folder(tmp_path / "place", "old")
    files.replace_folder(_folder(tmp_path / "beside", "new"), place)
    assert (place / "word").read_text(encoding="utf-8") == "new"
    with pytest.raises(FileNotFoundError):
        files.replace_folder(tmp_path / "nothing", place)
    assert (place / "word").read_text(encoding="utf-8") == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def _gone() -> int:
    """A process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_what_killed_processes_left_half_written_goes_once_the_folder_is_held(tmp_path: Path) -> None:
    gone, lives = _gone(), os.getppid()
    left = [
        f".summary.json.{gone}.part.json",
        f".chosen.yaml.{gone}.part.yaml",
        f".journal.drift.json.{gone}.part.json",
    ]
    stay = [f".summary.json.{lives}.part.json", "summary.json", f".notes.{gone}.txt", f"plain.{gone}.part.json"]
    for name in left + stay:
        (tmp_path / name).touch()
    files.remove_left_parts(tmp_path, "journal.drift.json")
    assert {path.name for path in tmp_path.iterdir()} == {*left[:2], *stay}
    with held(tmp_path, "output.folder"):
        assert {path.name for path in tmp_path.iterdir()} == {*stay, ".lock"}


def test_only_a_regular_file_is_opened_and_nothing_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"here")
    with files.open_regular(tmp_path / "file") as file:
        assert file.read() == b"here"
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a named pipe"), (tmp_path, "a folder"), (Path("/dev/zero"), "a device")):
        with pytest.raises(OSError, match=f"{kind}, not a regular file"):
            files.open_regular(path)


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links, as on FAT"])
def test_a_name_that_is_taken_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    def no_link(*_: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    if not links:
        monkeypatch.setattr(os, "link", no_link)
    beside, path = tmp_path / "beside", tmp_path / "path"
    beside.write_text("first")
    files.rename_new(beside, path)
    beside.write_text("second")
    with pytest.raises(FileExistsError):
        files.rename_new(beside, path)
    assert path.read_text() == "first"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["beside", "path"]
