"""Commands to a real node: each is answered, carried out between two frames, and told in the events."""

import itertools
import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from onboard import bundle as bundles
from onboard.__main__ import main
from onboard.control.client import ask
from onboard.control.messages import Load, Pause, Resume, RollBack, SelfTest, SetAlpha, Status, Stop
from onboard.errors import InputError
from onboard.files import sha256
from onboard.fly.config import NodeConfig
from onboard.fly.guard import Guard
from onboard.fly.opening import parts_of
from onboard.sockets import Curve
from tests.onboard.control.node import flying, until
from tests.onboard.fly.conftest import calibrated as calibrated
from tests.onboard.fly.conftest import configured as configured
from tests.onboard.fly.conftest import small as small

zmq = pytest.importorskip("zmq")
Configured = Callable[..., NodeConfig]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def here(tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {"endpoint": f"ipc://{tmp_path}/control", **more}


def test_commands_are_carried_out_answered_and_told(configured: Configured, calibrated: Path, tmp_path: Path) -> None:
    config = configured(bundle=str(calibrated), control=here(tmp_path))
    with flying(config, tmp_path) as node:
        status = node.tell(Status()).result
        assert (status["engine"], status["paused"], status["false_alarm_rate"]) == ("onnxruntime", False, 0.05)
        until(lambda: node.answered() > 3)
        assert node.tell(Pause()).result == {"paused": True}
        before = node.tell(Status()).result["frames"]
        until(lambda: node.tell(Status()).result["frames"]["skipped"] > before["skipped"] + 5)
        assert node.answered() == before["answered"]
        assert node.tell(Resume()).result == {"paused": False}
        until(lambda: node.answered() > before["answered"])
        assert node.tell(SetAlpha(0.1)).result == {"false_alarm_rate": 0.1, "confidence": None}
        refused = node.tell(SetAlpha(0.001))
        assert (refused.ok, refused.reason) == (False, "refused")
        assert "calibrate on at least 999 frames" in str(refused.error)
        assert node.tell(Status()).result["false_alarm_rate"] == 0.1  # nothing was changed
        assert node.tell(Stop()).ok
        page = node.join()
    assert page["complete"]
    assert page["journal"]["agrees"]
    assert page["frames"]["skipped"]["paused"] > 0
    told = [each for each in lines(tmp_path / "out" / "events.jsonl") if each["event"] == "command"]
    assert [json.loads(each["detail"])["command"] for each in told] == ["pause", "resume", "set_alpha", "stop"]
    assert page["events"]["command_refused"] == 1


def test_another_alpha_is_in_force_from_the_next_frame_on(
    configured: Configured, calibrated: Path, tmp_path: Path
) -> None:
    manifest = bundles.read(calibrated).manifest
    scores = np.append(np.linspace(-1e6, -1e5, 39), 1e9)  # one normal frame is odder than any: p-values of 2 / 41
    np.save(calibrated / "scores.npy", scores.astype(np.float32))
    files = {**manifest.files, "scores.npy": sha256(calibrated / "scores.npy")}
    bundles.write_manifest(calibrated, msgspec.structs.replace(manifest, files=files))
    config = configured(bundle=str(calibrated), control=here(tmp_path))
    verdicts = tmp_path / "out" / "verdicts.jsonl"

    def debris() -> set[bool | None]:
        return {each["is_debris"] for each in lines(verdicts)[-3:]}

    with flying(config, tmp_path) as node:
        until(lambda: node.answered() > 3)
        until(lambda: debris() == {True})
        assert node.tell(SetAlpha(0.03)).ok
        until(lambda: debris() == {False})
        assert node.tell(SetAlpha(0.02)).reason == "refused"
        assert node.tell(SetAlpha(0.06)).ok
        until(lambda: debris() == {True})


def test_bundles_are_loaded_and_rolled_back_and_the_known_answers_asked(
    configured: Configured, small: Path, calibrated: Path, tmp_path: Path
) -> None:
    first, second = bundles.read(small).sha256, bundles.read(calibrated).sha256
    with flying(configured(control=here(tmp_path)), tmp_path) as node:
        until(lambda: node.answered() > 3)
        assert node.tell(RollBack()).reason == "refused"
        assert "no such bundle" in str(node.tell(Load(str(tmp_path / "nothing"))).error)
        assert node.tell(SetAlpha(0.05)).reason == "refused"  # the first bundle has no calibration
        loaded = node.tell(Load(str(calibrated)))
        assert (loaded.ok, loaded.result["bundle"], loaded.result["false_alarm_rate"]) == (True, second, 0.05)
        tested = node.tell(SelfTest())
        assert (tested.result["known_answers"], tested.result["bundle"]) == (2, second)
        before = node.answered()
        until(lambda: node.answered() > before + 3)
        assert node.tell(RollBack()).result["bundle"] == first
        before = node.answered()
        until(lambda: node.answered() > before + 3)
    flown = [each["bundle"] for each in lines(tmp_path / "out" / "verdicts.jsonl")]
    assert [name for name, _ in itertools.groupby(flown)] == [first, second, first]
    told = [each["detail"] for each in lines(tmp_path / "out" / "events.jsonl") if each["event"] == "command"]
    assert [json.loads(each)["command"] for each in told] == ["load", "self_test", "roll_back", "stop"]
    assert node.join()["journal"]["agrees"]


def test_a_bundle_that_is_not_signed_is_not_loaded(
    configured: Configured, small: Path, calibrated: Path, tmp_path: Path
) -> None:
    pytest.importorskip("cryptography")
    from train.signing import make_keys, sign

    private, public = make_keys(tmp_path / "keys")
    signed = Path(shutil.copytree(small, tmp_path / "signed"))
    sign(signed, private)
    config = configured(bundle=str(signed), signature__public_key=str(public), control=here(tmp_path))
    with flying(config, tmp_path) as node:
        refused = node.tell(Load(str(calibrated)))
        assert (refused.ok, refused.reason) == (False, "refused")
        assert "not signed" in str(refused.error)
        status = node.tell(Status()).result
        assert (status["bundle"], status["signed"]) == (bundles.read(signed).sha256, True)
        sign(calibrated, private)
        assert node.tell(Load(str(calibrated))).result["signed"]


def test_telemetry_reports_on_each_command(configured: Configured, tmp_path: Path) -> None:
    pytest.importorskip("spacepackets")
    from onboard.telemetry.reading import Packet, packets

    config = configured(control=here(tmp_path), telemetry={"to": {"kind": "file"}, "apid": 5})
    with flying(config, tmp_path) as node:
        assert node.tell(Pause()).ok
        assert node.tell(SetAlpha(0.01)).reason == "refused"  # there is no calibration
        assert node.tell(Load(str(tmp_path / "nothing"))).reason == "refused"
    found = packets((tmp_path / "out" / "telemetry.bin").read_bytes())
    reports = [(each.subtype, each.data[:4].hex()) for each in found if isinstance(each, Packet) and each.service == 1]
    numbers = [f"1005c00{number}" for number in (1, 2, 3, 4)]
    told = [(1, 0), (7, 0), (2, 1), (1, 2), (8, 2), (1, 3), (7, 3)]  # accepted, completed, refused, failed
    assert reports == [(subtype, numbers[which]) for subtype, which in told]


def test_a_command_that_goes_wrong_is_told_and_ends_no_flight(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Guard) -> int:
        raise IndexError("nobody thought of this")

    monkeypatch.setattr(Guard, "self_test", broken)
    with flying(configured(control=here(tmp_path)), tmp_path) as node:
        failed = node.tell(SelfTest())
        assert (failed.ok, failed.reason) == (False, "failed")
        assert "IndexError: nobody thought of this; a fault of the node" in str(failed.error)
        before = node.answered()
        until(lambda: node.answered() > before + 3)
        assert node.tell(Stop()).ok
        page = node.join()
    assert (page["complete"], page["journal"]["agrees"]) == (True, True)
    (told,) = [each for each in lines(tmp_path / "out" / "events.jsonl") if each["event"] == "command_failed"]
    assert told["level"] == "warning" and '"self_test"' in told["detail"] and "IndexError" in told["detail"]
    statuses = [each for each in lines(tmp_path / "out" / "events.jsonl") if each["event"] == "command_status"]
    assert page["events"]["command_status"] > len(statuses) >= 1  # throttled, and all counted
    assert statuses[0]["level"] == "info"


@pytest.mark.parametrize(
    "garbage",
    [[b"", b"land at once"], [b"", b'{"command":"land"}'], [b"no empty part"], [b"", b"{}", b"one part too many"]],
)
def test_what_is_no_command_is_answered_told_and_changes_nothing(
    configured: Configured, tmp_path: Path, garbage: list[bytes]
) -> None:
    with flying(configured(control=here(tmp_path)), tmp_path) as node, zmq.Context() as context:
        before = node.answered()
        with context.socket(zmq.DEALER) as stranger:
            stranger.linger, stranger.rcvtimeo = 0, 5000
            stranger.connect(node.endpoint)
            stranger.send_multipart(garbage)
            answer = msgspec.json.decode(stranger.recv_multipart()[-1])
        assert (answer["ok"], answer["reason"]) == (False, "unreadable")
        until(lambda: node.answered() > before + 3)
        status = node.tell(Status()).result
        assert (status["paused"], status["events"]["control_garbage"]) == (False, 1)
        assert node.tell(Stop()).ok
        assert node.join()["complete"]
    (told,) = [each for each in lines(tmp_path / "out" / "events.jsonl") if each["event"] == "control_garbage"]
    assert (told["level"], node.endpoint in told["detail"]) == ("warning", True)


def test_a_client_that_never_takes_its_answer_and_a_flood_hold_nothing_up(
    configured: Configured, tmp_path: Path
) -> None:
    with flying(configured(control=here(tmp_path)), tmp_path) as node, zmq.Context() as context:
        until(lambda: node.answered() > 3)
        with context.socket(zmq.DEALER) as rude, context.socket(zmq.DEALER) as gone:
            rude.linger = gone.linger = 0
            for socket in (rude, gone):
                socket.connect(node.endpoint)
            gone.send_multipart([b"", b'{"command":"status"}'])
            gone.close()
            for _ in range(500):
                rude.send_multipart([b"", b'{"command":"status"}'], zmq.NOBLOCK)
            began, before = time.monotonic(), node.answered()
            assert time.monotonic() - began < 2
            until(lambda: node.answered() > before + 50, 5)
    assert node.join()["journal"]["agrees"]


def test_a_command_that_the_loop_does_not_come_to_is_withdrawn(configured: Configured, tmp_path: Path) -> None:
    with parts_of(configured(control=here(tmp_path, answer_s=0.2))) as parts:  # no loop turns here
        assert parts.control is not None
        reply = ask(f"ipc://{tmp_path}/control", Pause(), 5)
        assert (reply.ok, reply.reason) == (False, "withdrawn")
        assert parts.control.desk.take() is None
        replies: list[Any] = []
        asking = threading.Thread(target=lambda: replies.append(ask(f"ipc://{tmp_path}/control", Pause(), 5)))
        asking.start()
        until(lambda: parts.control is not None and parts.control.desk.take() is not None)  # taken, and never answered
        asking.join()
        assert replies[0].reason == "under_way"


def test_tell_prints_the_answer_and_ends_with_a_code(
    configured: Configured, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = f"ipc://{tmp_path}/control"
    with flying(configured(control=here(tmp_path)), tmp_path) as node:
        assert main(["tell", endpoint, "pause"]) == 0
        assert json.loads(capsys.readouterr().out) == {"paused": True}
        assert main(["tell", endpoint, "alpha", "0.01"]) == 1
        assert "refused: " in (said := capsys.readouterr().err)
        assert "python -m calibration threshold" in said
        assert main(["tell", endpoint, "alpha", "7"]) == 2
        assert main(["tell", endpoint, "stop"]) == 0
        node.join()
    assert main(["tell", endpoint, "--timeout", "0.3", "status"]) == 2
    assert "nobody listens there" in capsys.readouterr().err
    assert main(["tell", "tcp://192.0.2.1:5557", "status"]) == 2
    assert "needs keys" in capsys.readouterr().err


def test_beyond_this_host_it_needs_keys_and_takes_commands_from_those_who_have_one(
    configured: Configured, tmp_path: Path
) -> None:
    from zmq.auth import create_certificates

    with (
        pytest.raises(InputError, match="needs keys"),
        parts_of(configured(control={"endpoint": "tcp://0.0.0.0:5557"})),
    ):
        pass
    for folder in ("own", "peers", "strangers"):
        (tmp_path / folder).mkdir()
    node_key, node_secret = create_certificates(tmp_path / "own", "node")
    ground = create_certificates(tmp_path / "peers", "ground")[1]
    stranger = create_certificates(tmp_path / "strangers", "stranger")[1]
    locked = here(tmp_path, curve=msgspec.to_builtins(Curve(node_secret, str(tmp_path / "peers"))))
    with flying(configured(control=locked), tmp_path) as node:
        assert ask(node.endpoint, Status(), 5, Curve(ground, node_key)).ok
        for curve in (None, Curve(stranger, node_key)):
            with pytest.raises(InputError):
                ask(node.endpoint, Stop(), 0.5, curve)
        assert ask(node.endpoint, Stop(), 5, Curve(ground, node_key)).ok
        assert node.join()["complete"]


def test_a_second_node_does_not_take_the_firsts_place(configured: Configured, tmp_path: Path) -> None:
    """libzmq binds an ipc endpoint that is in use, and the node before it hears nothing any more."""
    with flying(configured(control=here(tmp_path)), tmp_path) as node:
        until(lambda: node.answered() > 0)
        own = {"journal__ring": str(tmp_path / "ring2"), "output__folder": str(tmp_path / "out2")}
        second = configured(control=here(tmp_path), **own)
        with pytest.raises(InputError, match="another process waits there"), parts_of(second):
            pass
        assert node.tell(Status()).ok
