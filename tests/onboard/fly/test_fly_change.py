"""Another bundle in flight, as told, and back; each frame's verdict names the bundle that judged it."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest

from onboard import bundle as bundles
from onboard import strict_yaml
from onboard.errors import InputError
from onboard.files import sha256
from onboard.fly.config import NodeConfig
from onboard.fly.guard import Guard
from onboard.fly.loop import Loop, Parts
from onboard.fly.opening import parts_of
from onboard.fly.summary import Summary
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import message, picture, settle

Configured = Callable[..., NodeConfig]


class Camera:
    """Shows frame after frame to a loop, each under its run's next id."""

    def __init__(self, writer: RingWriter) -> None:
        self._writer, self._next, self.run = writer, 0, b"0123456789abcdef"

    def show(self, loop: Loop, count: int = 1, most: int = 256, guard: Guard | None = None) -> None:
        for _ in range(count):
            self._writer.write(*message(self.run, self._next, picture(self._next, most)))
            self._next += 1
            loop.turn(5.0)
            if guard is not None:
                settle(guard, lambda: loop.turn(0.0))

    def show_until(self, loop: Loop, true: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not true():
            assert time.monotonic() < end
            self.show(loop)


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Camera]:
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as made:
        yield Camera(made)


def told(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()]


def sha(folder: Path) -> str:
    return bundles.read(folder).sha256


def copy(bundle: Path, folder: Path, **changes: Any) -> Path:
    """Another bundle of the same files."""
    shutil.copytree(bundle, folder)
    bundles.write_manifest(folder, msgspec.structs.replace(bundles.read(bundle).manifest, **changes))
    return folder


def change(parts: Parts, folder: Path) -> list[Exception | None]:
    answers: list[Exception | None] = []
    parts.guard.told.change(str(folder), done=answers.append)
    return answers


def test_a_bundle_is_changed_and_rolled_back_in_flight_and_a_restart_flies_the_last_choice(
    configured: Configured, small: Path, calibrated: Path, tmp_path: Path, camera: Camera
) -> None:
    config = configured()
    with parts_of(config) as parts:
        loop = Loop(parts)
        camera.show(loop)
        answers = change(parts, calibrated)
        with pytest.raises(InputError, match="being loaded already"):
            parts.guard.told.change(str(small))
        camera.show_until(loop, lambda: bool(answers))
        camera.show(loop, 2)
        assert (answers, parts.guard.rule is not None) == ([None], True)
        camera.run = b"another run of 1"
        camera.show(loop)
    verdicts = told(tmp_path)
    assert [each["frame_id"] for each in verdicts] == list(range(len(verdicts)))
    assert {each["status"] for each in verdicts} == {"ANSWERED"}
    of_old = [each for each in verdicts if each["bundle"] == sha(small)]
    of_new = [each for each in verdicts if each["bundle"] == sha(calibrated)]
    assert of_old + of_new == verdicts
    assert {each["is_debris"] for each in of_old} == {None}
    assert {each["is_debris"] for each in of_new} == {True}
    *others, last = verdicts
    assert not any("track" in each for each in others)  # that run began under the bundle before
    assert last["track"]["frames"] == 1
    assert strict_yaml.parse((tmp_path / "out" / "node.yaml").read_text(), "")["decision"] is not None
    with parts_of(config) as parts:
        loop = Loop(parts)
        assert parts.guard.bundle.sha256 == sha(calibrated)
        back: list[Exception | None] = []
        parts.guard.told.roll_back(back.append)
        camera.show_until(loop, lambda: bool(back))
        assert parts.guard.bundle.sha256 == sha(small)
        with pytest.raises(InputError, match="no bundle flew before"):
            parts.guard.told.roll_back()
        assert parts.log.counts["bundle_rolled_back"] == 1
    with parts_of(config) as parts:
        assert parts.guard.bundle.sha256 == sha(small)


def test_a_new_bundle_that_fails_its_self_test_does_not_fly(
    configured: Configured, small: Path, tmp_path: Path, camera: Camera
) -> None:
    known = bundles.read(small).manifest.known_answers
    wrong = tuple(msgspec.structs.replace(each, logit=each.logit + 1) for each in known)
    bad = copy(small, tmp_path / "bad", known_answers=wrong)
    cut = copy(small, tmp_path / "cut", head={"of": "another"})
    (cut / "model.onnx").write_bytes(b"")
    poor = copy(small, tmp_path / "poor", outputs=bundles.read(small).manifest.outputs[1:])
    with parts_of(configured(output__pose_outputs=["rotation"])) as parts:
        loop = Loop(parts)
        for folder, says in ((bad, "do not fly this"), (cut, "SHA-256"), (poor, "manifest says"), (Path("/x"), "/x")):
            answers = change(parts, folder)
            camera.show_until(loop, lambda answers=answers: bool(answers))
            assert says in str(answers[0])
            camera.show(loop)
        assert parts.log.counts["bundle_refused"] == 4
        assert (parts.guard.bundle.sha256, parts.guard.chosen.earlier) == (sha(small), None)
    assert {(each["status"], each["bundle"]) for each in told(tmp_path)} == {("ANSWERED", sha(small))}


def test_a_new_bundle_that_gives_nonsense_in_flight_is_rolled_back_by_itself(
    configured: Configured, small: Path, moody: Path, tmp_path: Path, camera: Camera
) -> None:
    with parts_of(configured(invalid={"in_a_row": 2, "reloads": 1})) as parts:
        loop = Loop(parts)
        answers = change(parts, moody)
        camera.show_until(loop, lambda: bool(answers))
        camera.show(loop, 3)
        camera.show(loop, 4, most=60, guard=parts.guard)
        assert parts.guard.bundle.sha256 == sha(small)
        camera.show(loop, 2, most=60)
        counts = parts.log.counts
        assert (counts["engine_reloaded"], counts["bundle_rolled_back"], counts["unavailable"]) == (1, 1, 0)
    assert [each["reason"] for each in told(tmp_path)[-6:]] == ["invalid_output"] * 4 + [None] * 2
    with parts_of(configured()) as parts:
        assert parts.guard.bundle.sha256 == sha(small)


def test_a_chosen_bundle_that_is_damaged_at_a_restart_leaves_the_one_before(
    configured: Configured, small: Path, tmp_path: Path, camera: Camera
) -> None:
    other = copy(small, tmp_path / "other", head={"of": "another"})
    with parts_of(configured()) as parts:
        loop = Loop(parts)
        answers = change(parts, other)
        camera.show_until(loop, lambda: bool(answers))
    with parts_of(configured()) as parts:
        assert parts.guard.bundle.sha256 == sha(other)
    bundles.write_manifest(other, bundles.read(small).manifest)  # whole, and another bundle than the one chosen
    with parts_of(configured()) as parts:
        assert parts.guard.bundle.sha256 == sha(small)
        Loop(parts).turn(0.01)
        assert parts.log.counts["bundle_rolled_back"] == 1
    (tmp_path / "out" / "chosen.yaml").write_text("nonsense")
    with parts_of(configured()) as parts:
        Loop(parts).turn(0.01)
        assert parts.log.counts["choice_lost"] == 1


def test_reloads_at_a_period_leave_no_frame_and_no_bit_behind(
    configured: Configured, small: Path, tmp_path: Path, camera: Camera
) -> None:
    with parts_of(configured(health={"reload_s": 0.05, "known_answer_s": 0.01})) as parts:
        loop, summary = Loop(parts), Summary(parts)
        engine = parts.guard.flown.detector
        camera.show_until(loop, lambda: parts.log.counts["engine_renewed"] >= 5)
        camera.show(loop, 5)
        page = summary.write()
        assert parts.guard.flown.detector is not engine
    verdicts = told(tmp_path)
    assert [each["frame_id"] for each in verdicts] == list(range(len(verdicts)))
    assert {each["status"] for each in verdicts} == {"ANSWERED"}
    assert page["journal"]["agrees"]
    assert page["health"]["known_answers"]["asked"] > 5
    assert page["health"]["known_answers"]["wrong"] == 0


def test_told_to_roll_back_a_bundle_that_is_rolled_back_by_itself_meanwhile(
    configured: Configured, small: Path, moody: Path, tmp_path: Path, camera: Camera
) -> None:
    with parts_of(configured(invalid={"in_a_row": 1, "reloads": 0})) as parts:
        loop = Loop(parts)
        answers = change(parts, moody)
        camera.show_until(loop, lambda: bool(answers))
        back: list[Exception | None] = []
        parts.guard.told.roll_back(back.append)
        camera.show(loop, most=60)
        camera.show_until(loop, lambda: bool(back))
        assert (back, parts.guard.bundle.sha256) == ([None], sha(small))
        assert parts.guard.chosen.choices[-1].bundle == str(small)
        answers = change(parts, moody)
        camera.show_until(loop, lambda: bool(answers))
        assert (answers, len(parts.guard.chosen.choices)) == ([None], 2)


def test_a_rate_that_was_told_does_not_keep_the_bundle_before_from_flying_again(
    configured: Configured, small: Path, calibrated: Path, moody: Path, tmp_path: Path, camera: Camera
) -> None:
    """Of 40 and of 400 normal frames; the first supports no rate of 0.01."""
    more = Path(shutil.copytree(calibrated, tmp_path / "more"))
    np.save(more / "scores.npy", np.linspace(-1e6, -1e5, 400).astype(np.float32))
    shutil.copy(moody / "model.onnx", more / "model.onnx")
    manifest = bundles.read(calibrated).manifest
    files = {**manifest.files, **{name: sha256(more / name) for name in ("scores.npy", "model.onnx")}}
    assert manifest.calibration is not None
    frame = manifest.calibration.frame
    groups = tuple(msgspec.structs.replace(each, frames=400) for each in frame.groups)
    made = msgspec.structs.replace(
        manifest.calibration, model_sha256=files["model.onnx"], frame=msgspec.structs.replace(frame, groups=groups)
    )
    bundles.write_manifest(more, msgspec.structs.replace(manifest, files=files, calibration=made))
    with parts_of(configured(bundle=str(calibrated), invalid={"in_a_row": 1, "reloads": 0})) as parts:
        loop = Loop(parts)
        answers = change(parts, more)
        camera.show_until(loop, lambda: bool(answers))
        assert answers == [None]
        parts.guard.told.set_rate(0.01, None)
        camera.show(loop, 2, most=60, guard=parts.guard)
        assert (parts.guard.state, parts.guard.bundle.sha256) == ("onnxruntime", sha(calibrated))
        assert parts.guard.rule is not None
        assert parts.guard.rule.rate == 0.05


def test_a_bundle_without_an_output_that_telemetry_names_is_refused_and_a_restart_does_not_stumble_over_it(
    configured: Configured, small: Path, tmp_path: Path, camera: Camera
) -> None:
    pytest.importorskip("spacepackets")
    telemetry = {"to": {"kind": "file"}, "apid": 1, "pose_outputs": ["rotation"]}
    renamed = Path(shutil.copytree(small, tmp_path / "renamed"))
    model = onnx.load(renamed / "model.onnx")
    model.graph.node[-2].output[0] = model.graph.output[0].name = "turn_of_it"
    onnx.save(model, renamed / "model.onnx")
    manifest = bundles.read(small).manifest
    outputs = (msgspec.structs.replace(manifest.outputs[0], name="turn_of_it"), manifest.outputs[1])
    files = {**manifest.files, "model.onnx": sha256(renamed / "model.onnx")}
    bundles.write_manifest(renamed, msgspec.structs.replace(manifest, outputs=outputs, files=files))
    with parts_of(configured()) as parts:
        answers = change(parts, renamed)
        camera.show_until(Loop(parts), lambda: bool(answers))
        assert answers == [None]
    with parts_of(configured(telemetry=telemetry)) as parts:  # the next start, with telemetry
        loop = Loop(parts)
        assert parts.guard.bundle.sha256 == sha(small)
        answers = change(parts, renamed)
        camera.show_until(loop, lambda: bool(answers))
        assert "telemetry.pose_outputs: 'rotation' is no output" in str(answers[0])


def test_a_choice_that_cannot_be_written_is_written_once_that_is_possible(
    configured: Configured, small: Path, tmp_path: Path, camera: Camera
) -> None:
    other = copy(small, tmp_path / "other", head={"of": "another"})
    place = tmp_path / "out" / "chosen.yaml"
    with parts_of(configured()) as parts:
        place.mkdir()  # so that no file can take its name
        loop = Loop(parts)
        answers = change(parts, other)
        camera.show_until(loop, lambda: bool(answers))
        camera.show_until(loop, lambda: parts.log.counts["choice_lost"] == 1)
        place.rmdir()
        camera.show_until(loop, place.is_file)
    with parts_of(configured()) as parts:
        assert parts.guard.bundle.sha256 == sha(other)


def test_a_load_that_hangs_is_told_and_what_flies_is_still_asked_its_known_answers(
    configured: Configured, small: Path, tmp_path: Path, camera: Camera, stuck: Callable[[Path], threading.Event]
) -> None:
    hanging = copy(small, tmp_path / "hanging", head={"of": "the slow storage"})
    comes = stuck(hanging / bundles.MANIFEST)
    config = configured(watchdog={"others_s": 0.1}, health={"known_answer_s": 0.01})
    with parts_of(config) as parts:
        loop = Loop(parts)
        answers = change(parts, hanging)
        camera.show_until(loop, lambda: parts.log.counts["load_hangs"] == 1)
        asked = parts.guard.known_answers["asked"]
        camera.show_until(loop, lambda: parts.guard.known_answers["asked"] > asked + 3)
        assert isinstance(answers[0], InputError) and "given up" in str(answers[0])
        comes.set()
        camera.show(loop, 3)
        assert (len(answers), parts.log.counts["load_hangs"], parts.guard.bundle.sha256) == (1, 1, sha(small))
        others = change(parts, copy(small, tmp_path / "other", head={"of": "another"}))  # it blocks no other command
        camera.show_until(loop, lambda: bool(others))
        assert others == [None]
