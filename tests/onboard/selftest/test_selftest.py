"""The self-test passes where all is well, and names each thing that is not."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from onboard import bundle as bundles
from onboard import strict_yaml
from onboard.__main__ import main
from onboard.fly.config import NodeConfig
from onboard.fly.opening import parts_of
from onboard.selftest import places
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import calibrated as calibrated
from tests.onboard.fly.conftest import configured as configured
from tests.onboard.fly.conftest import message, picture
from tests.onboard.fly.conftest import small as small
from train.signing import make_keys

RUN = b"0123456789abcdef"
Configured = Callable[..., NodeConfig]


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[list[np.ndarray]]:
    """A camera that writes a frame each 20 ms; the list holds the picture that it shows."""
    shown, stop = [picture(0)], threading.Event()

    def film() -> None:
        with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
            frame_id = 0
            while not stop.wait(0.02):
                writer.write(*message(RUN, frame_id, shown[0]))
                frame_id += 1

    thread = threading.Thread(target=film)
    thread.start()
    yield shown
    stop.set()
    thread.join()


def ran(bundle: Path, config: NodeConfig, tmp_path: Path, *more: str) -> int:
    path = tmp_path / "tested.yaml"
    path.write_text(strict_yaml.dump(config))
    return main(["selftest", str(bundle), "--config", str(path), "--frames", "5", "--wait-s", "1", *more])


def test_all_is_well_and_nothing_is_changed(
    configured: Configured, small: Path, tmp_path: Path, camera: list[np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(deadlines={"infer": 10_000}, output__file_mb=1)
    assert ran(small, config, tmp_path) == 0
    page = capsys.readouterr().out
    assert "all 11 checks passed" in page
    assert "ring: a frame of 96 x 96 px, box from detector" in page
    assert not (tmp_path / "out").exists() and not (tmp_path / "journal").exists()


def test_why_no_frame_comes_is_not_hidden_by_the_silence(
    configured: Configured, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(source={"kind": "ring", "path": "/nowhere/ring", "silence_s": 0.2}, output__file_mb=1)
    assert ran(small, config, tmp_path) == 1
    assert "no frame in 1 s (/nowhere/ring: [Errno 2] No such file" in capsys.readouterr().out


def test_without_a_configuration_the_bundle_alone_is_tested(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", str(small), "--frames", "5"]) == 0
    assert "all 3 checks passed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "failed", "says"),
    [
        ({"deadlines": {"infer": 1e-4}}, "latency", "over deadlines.infer 0.0001: raise the budget"),
        ({"deadline_ms": 1e-4}, "latency", "over deadline_ms 0.0001"),
        ({"journal__ring": "/dev/null/ring"}, "journal", "/dev/null is no folder; name another place"),
        ({"output__folder": "/dev/null/out"}, "output", "/dev/null is no folder"),
        ({"output__file_mb": 100_000}, "output", "are free in"),
        ({"journal__archive": "/dev/null/archive"}, "output", "journal.archive /dev/null/archive"),
        ({"realtime": {"cores": [4000]}}, "permissions", "set realtime.cores"),
        ({"source": {"kind": "folder", "folder": "/nowhere"}}, "source", "no such folder"),
        ({"source": {"kind": "ring", "path": "/nowhere/ring"}}, "source", "no frame in 1 s (/nowhere/ring"),
        ({"sanity": {"frame_size_px": [[640, 480]]}}, "source", "frame_wrong_size"),
        ({"clock_offset_ms": 60_000}, "source", "set clock_offset_ms"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(
    configured: Configured,
    small: Path,
    tmp_path: Path,
    camera: list[np.ndarray],
    capsys: pytest.CaptureFixture[str],
    more: dict[str, Any],
    failed: str,
    says: str,
) -> None:
    assert ran(small, configured(**({"output__file_mb": 1} | more)), tmp_path) == 1
    page = capsys.readouterr().out
    (line,) = [line for line in page.splitlines() if line.startswith("  FAIL")]
    assert line.split()[1] == failed
    assert says in line
    assert page.endswith(f"FAILED: {failed}\n")


def test_an_unsigned_bundle_fails_where_the_configuration_has_a_key(
    configured: Configured, small: Path, tmp_path: Path, camera: list[np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cryptography")
    _, public = make_keys(tmp_path / "keys")
    assert ran(small, configured(signature={"public_key": str(public)}, output__file_mb=1), tmp_path) == 1
    assert "not signed" in capsys.readouterr().out


def test_a_black_camera_and_another_journal_fail(
    configured: Configured, small: Path, tmp_path: Path, camera: list[np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    with parts_of(configured()):
        pass
    camera[0] = picture(0) * 0
    time.sleep(0.1)
    assert ran(small, configured(journal__records=2048, output__file_mb=1), tmp_path) == 1
    page = capsys.readouterr().out
    assert "holds 1024 records, journal.records says 2048" in page
    assert "frame_black" in page
    assert "FAILED: journal, source" in page


@pytest.mark.parametrize("kept", [False, True])
def test_what_is_on_no_tmpfs_is_said(
    configured: Configured,
    small: Path,
    tmp_path: Path,
    camera: list[np.ndarray],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    kept: bool,
) -> None:
    monkeypatch.setattr(places, "_file_system", lambda _: "ext4")
    if kept:  # the ring of an earlier flight
        with parts_of(configured()):
            pass
    assert ran(small, configured(output__file_mb=1), tmp_path) == 0
    journal, source = (line for line in capsys.readouterr().out.splitlines() if "no tmpfs but ext4" in line)
    assert "journal: goes on" in journal if kept else "journal: can be made" in journal
    assert "ring: a frame of 96 x 96 px" in source and f"; {tmp_path} is no tmpfs" in source


@pytest.mark.parametrize("there", [False, True], ids=["absent", "no tmpfs"])
def test_shared_memory_that_the_configuration_names_has_to_be_there(
    configured: Configured,
    small: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    there: bool,
) -> None:
    shm = tmp_path / "shm"
    monkeypatch.setattr(places, "_SHM", shm)
    monkeypatch.setattr(places, "_file_system", lambda _: "ext4")
    if there:
        shm.mkdir()
    wrong = {"journal__ring": str(shm / "debris" / "journal"), "source": {"kind": "ring", "path": str(shm / "camera")}}
    assert ran(small, configured(output__file_mb=1, **wrong), tmp_path) == 1
    page = capsys.readouterr().out
    assert page.count(f"{shm} is no tmpfs here; mount one") == 2
    assert "FAILED: journal, source" in page


def test_shared_memory_that_is_too_small_is_said(
    configured: Configured,
    small: Path,
    tmp_path: Path,
    camera: list[np.ndarray],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with parts_of(configured()):
        pass
    (tmp_path / "journal.tracks").unlink()  # the ring is there, but what lies beside it has no room
    monkeypatch.setattr(places, "_free", lambda folder: 1000 if folder == tmp_path else 1 << 40)
    monkeypatch.setattr(places, "_output", lambda _: places.Check("output", True, ""))
    assert ran(small, configured(), tmp_path) == 1
    assert "MB may be needed, 0.0 MB are free" in capsys.readouterr().out


def test_a_camera_of_another_size_than_the_calibration_s_fails(
    configured: Configured,
    calibrated: Path,
    tmp_path: Path,
    camera: list[np.ndarray],
    capsys: pytest.CaptureFixture[str],
) -> None:
    manifest = bundles.read(calibrated).manifest
    assert manifest.calibration is not None and manifest.calibration.frame is not None
    frame = msgspec.structs.replace(manifest.calibration.frame, frame_px=(640, 480))
    made = msgspec.structs.replace(manifest.calibration, frame=frame)
    bundles.write_manifest(calibrated, msgspec.structs.replace(manifest, calibration=made))
    assert ran(calibrated, configured(output__file_mb=1), tmp_path) == 1
    assert "none gets a verdict: frame_wrong_size, 96 x 96 px, but the bundle is calibrated" in capsys.readouterr().out


def test_an_altered_bundle_and_another_answer_fail(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    altered = Path(shutil.copytree(small, tmp_path / "altered"))
    manifest = bundles.read(altered).manifest
    known = tuple(msgspec.structs.replace(each, logit=each.logit + 1) for each in manifest.known_answers)
    bundles.write_manifest(altered, msgspec.structs.replace(manifest, known_answers=known))
    assert main(["selftest", str(altered)]) == 1
    assert "FAIL  known answers" in capsys.readouterr().out
    (altered / "model.onnx").write_bytes(b"")
    assert main(["selftest", str(altered)]) == 1
    assert "FAIL  hashes" in capsys.readouterr().out
    assert main(["selftest", str(tmp_path / "none")]) == 1
    assert "no such bundle folder" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--config", "/nowhere.yaml"], "/nowhere.yaml"),
        (["--frames", "0"], "--frames 0"),
        (["--wait-s", "nan"], "--wait-s nan"),
    ],
)
def test_what_cannot_be_understood_is_refused(
    small: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(["selftest", str(small), *arguments]) == 2
    assert says in capsys.readouterr().err
