"""A node writes to nothing that it reads, and over nothing that is not its own: refused before anything is touched."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onboard import image, strict_yaml
from onboard.__main__ import main
from onboard.errors import InputError
from onboard.fly.config import NodeConfig
from onboard.fly.opening import parts_of
from onboard.health.choice import Choice, Chosen
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import picture

Configured = Callable[..., NodeConfig]
WRONG = {
    "bundle": ("journal.ring", "calibrated/model.onnx"),
    "in the bundle": ("journal.ring", "calibrated/journal"),
    "packets in the bundle": ("telemetry.to.path", "calibrated/model.onnx"),
    "archive in the bundle": ("journal.archive", "calibrated/archive"),
    "chosen bundle": ("telemetry.to.path", "chosen/telemetry.bin"),
    "engine": ("journal.ring", "engine/journal"),
    "camera": ("journal.ring", "camera"),
    "camera, by a link": ("journal.ring", "link"),
    "camera, beside a ring": ("journal.ring", "beside"),
    "frame": ("journal.ring", "frames/0.png"),
    "among the frames": ("telemetry.to.path", "frames/new"),
    "summary": ("journal.ring", "out/summary.json"),
    "older verdicts": ("journal.ring", "out/verdicts.1.jsonl"),
    "packets in the events": ("telemetry.to.path", "out/events.jsonl"),
    "packets in the tracks": ("telemetry.to.path", "journal.tracks"),
    "archived": ("journal.ring", "archive/journal-00000000000000000001.drj"),
    "output": ("journal.ring", "out"),
    "above the archive": ("journal.ring", "archive/.."),
    "folder": ("journal.ring", "folder"),
    "named pipe": ("journal.ring", "pipe"),
    "tracks in a folder": ("journal.ring", "tracked"),
    "notes": ("journal.ring", "notes"),
    "key": ("telemetry.to.path", "key.pem"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_place_that_is_not_the_nodes_own_is_refused_and_nothing_is_touched(
    configured: Configured, calibrated: Path, tmp_path: Path, wrong: str, capfd: pytest.CaptureFixture[str]
) -> None:
    key, name = WRONG[wrong]
    for folder in ("frames", "engine", "chosen", "folder", "tracked.tracks", "out", "archive"):
        (tmp_path / folder).mkdir()
    image.write(tmp_path / "frames" / "0.png", picture(0))
    for file in ("notes", "key.pem", "out/summary.json", "out/verdicts.1.jsonl", "out/events.jsonl"):
        (tmp_path / file).write_text("not a ring\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "camera")
    chosen = (Choice(str(calibrated), str(tmp_path / "engine")), Choice(str(tmp_path / "chosen")))
    (tmp_path / "out" / "chosen.yaml").write_text(strict_yaml.dump(Chosen(chosen[0], chosen)))
    more: dict[str, Any] = {"bundle": str(calibrated), "runtime__engine": str(tmp_path / "engine")}
    more |= {"journal__archive": str(tmp_path / "archive"), "signature__public_key": str(tmp_path / "key.pem")}
    if "frame" in wrong:
        more["source"] = {"kind": "folder", "folder": str(tmp_path / "frames")}
    elif wrong == "camera, beside a ring":
        more["source"] = {"kind": "ring", "path": str(tmp_path / "beside.tracks")}
    place = str(tmp_path / name)
    if key == "telemetry.to.path":
        more["telemetry"] = {"to": {"kind": "file", "path": place}, "apid": 1}
    else:
        more[key.replace(".", "__")] = place
    path = tmp_path / "node2.yaml"
    path.write_text(strict_yaml.dump(configured(**more)))
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3):
        before = there(tmp_path)
        assert main(["fly", str(path)]) == 2
        assert there(tmp_path) == before
    said = capfd.readouterr().err
    assert f"error: {place}" in said and f"set {key} to another place" in said


def there(folder: Path) -> dict[Path, tuple[int, int, int, bytes | None]]:
    return {
        path: (found.st_ino, found.st_size, found.st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
        if (found := path.lstat())
    }


def test_a_link_to_a_ring_stays_also_where_a_reset_took_its_file(configured: Configured, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "memory" / "ring")
    for _ in range(2):
        with parts_of(configured(journal__ring=str(tmp_path / "link"))):
            pass
        assert (tmp_path / "link").is_symlink() and (tmp_path / "memory" / "ring").is_file()
        (tmp_path / "memory" / "ring").unlink()
    refused = configured(journal__ring=str(tmp_path / "link"), source={"kind": "folder", "folder": "/nowhere"})
    with pytest.raises(InputError), parts_of(refused):
        pass
    assert (tmp_path / "link").is_symlink() and not (tmp_path / "memory" / "ring").exists()
