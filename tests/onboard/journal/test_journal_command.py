"""python -m onboard journal: a ring that is in use, an archive, and what is neither."""

import json
from pathlib import Path

import pytest

from onboard.__main__ import main
from onboard.journal import Journal, read_archive
from onboard.messages import Status

RUN = b"0123456789abcdef"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """In use: 96 frames so far, the ring holds 64, one is open."""
    made = Journal(tmp_path / "ring", tmp_path / "archive", records=64)
    for frame_id in range(95):
        made.begin(RUN, frame_id)
        black = frame_id == 40
        made.end(RUN, frame_id, Status.REJECTED if black else Status.ANSWERED, "frame_black" if black else None)
    made.begin(RUN, 97)
    return made


def test_the_account_of_a_ring_in_use(journal: Journal, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (tmp_path / "ring").read_bytes()
    assert main(["journal", str(tmp_path / "ring")]) == 0
    said = capsys.readouterr().out
    assert "96 received, 1 open, 94 answered, 1 rejected, 0 skipped, 2 missing, 0 duplicates" in said
    assert [" ".join(line.split()) for line in said.splitlines()[2:]] == [
        "64 records here:",
        "62 ANSWERED",
        "1 OPEN",
        "1 REJECTED (frame_black)",
    ]
    assert (tmp_path / "ring").read_bytes() == before


def test_the_records_of_an_archive(journal: Journal, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal.close()
    assert main(["journal", str(tmp_path / "archive"), "--records"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["frame_id"] for entry in records] == list(range(len(records)))
    assert len(records) >= 64  # the thread may miss some of what this test writes faster than any camera
    assert records[40]["reason"] == "frame_black"
    assert records[0]["run"] == RUN.hex()


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "folder"])
@pytest.mark.parametrize("records", [True, False])
def test_a_damaged_file_of_an_archive_is_named_and_the_others_are_read(
    journal: Journal, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str, records: bool
) -> None:
    journal.close()
    first, second, *others = sorted((tmp_path / "archive").glob("journal-*.drj"))
    whole = second.read_bytes()
    second.unlink()
    if damage == "folder":
        second.mkdir()
    else:
        second.write_bytes({"cut": whole[:-1], "empty": b"", "flipped": whole[:-1] + bytes([whole[-1] ^ 1])}[damage])
    assert main(["journal", str(tmp_path / "archive"), *["--records"] * records]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"damaged: {second}: ") and "copy it again" in said.err
    left = sum(len(read_archive(path)) for path in (first, *others))
    if records:
        assert len(said.out.splitlines()) == left
    else:
        assert said.out.startswith(f"{left} records here, INCOMPLETE: 1 file damaged")


@pytest.mark.parametrize("name", ["nothing", "folder", "notes", "notes.drj"])
def test_what_is_no_journal(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes").write_bytes(b"notes" * 100)
    (tmp_path / "notes.drj").write_bytes(b"notes" * 100)
    assert main(["journal", str(tmp_path / name)]) == 2
    assert f"error: {tmp_path / name}" in capsys.readouterr().err
