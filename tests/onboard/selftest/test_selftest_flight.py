"""The self-test makes what the node makes at its start, so that it fails where the node would refuse."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq.auth

from onboard import strict_yaml
from onboard.errors import InputError
from onboard.fly.config import NodeConfig
from onboard.fly.opening import parts_of
from onboard.health.choice import Choice, Chosen
from tests.onboard.fly.conftest import calibrated as calibrated
from tests.onboard.fly.conftest import configured as configured
from tests.onboard.fly.conftest import moody as moody
from tests.onboard.fly.conftest import small as small
from tests.onboard.selftest.test_selftest import camera as camera
from tests.onboard.selftest.test_selftest import ran

Configured = Callable[..., NodeConfig]
PACKETS = {"to": {"kind": "file"}, "apid": 1}


@pytest.fixture
def failed(
    tmp_path: Path, camera: list[np.ndarray], capsys: pytest.CaptureFixture[str]
) -> Callable[[Path, NodeConfig], str]:
    """Runs the self-test; gives the line of the one check that failed, or nothing."""

    def tested(bundle: Path, config: NodeConfig) -> str:
        code = ran(bundle, config, tmp_path)
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  FAIL")]
        assert (code, len(lines)) in ((0, 0), (1, 1)), lines
        return lines[0] if lines else ""

    return tested


@pytest.mark.parametrize(
    ("more", "check", "says"),
    [
        ({"false_alarm_rate": 1e-4}, "rules", "finer than"),
        ({"false_alarm_rate": 0.05, "confidence": 0.999999}, "rules", "at a confidence of"),
        ({"output__pose_outputs": ["attitude"]}, "rules", "'attitude' is no output of the pose network"),
        ({"control": {"endpoint": "tcp://0.0.0.0:5999"}}, "endpoints", "needs keys"),
        ({"control": {"endpoint": "ipc:///nowhere/control"}}, "endpoints", "cannot be used"),
        ({"output__socket": {"kind": "pub", "endpoint": "udp://1"}}, "endpoints", "is not allowed"),
        ({"telemetry": {"to": {"kind": "udp", "host": "no-such-host.invalid", "port": 9}, "apid": 1}}, "endpoints", ""),
        (
            {"telemetry": {**PACKETS, "pose_outputs": ["rotation"]}, "output__pose_outputs": []},
            "endpoints",
            "'rotation' is no output that verdicts carry",
        ),
    ],
)
def test_what_the_node_refuses_fails_here(
    configured: Configured,
    calibrated: Path,
    failed: Callable[[Path, NodeConfig], str],
    more: dict[str, Any],
    check: str,
    says: str,
) -> None:
    config = configured(**({"bundle": str(calibrated), "output__file_mb": 1} | more))
    with pytest.raises(InputError), parts_of(config):
        pass
    line = failed(calibrated, config)
    assert line.split()[1] == check
    assert says in line


def test_sockets_keys_and_telemetry_that_are_well_pass_and_leave_nothing(
    configured: Configured, small: Path, tmp_path: Path, failed: Callable[[Path, NodeConfig], str]
) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    zmq.auth.create_certificates(keys, "node")
    (keys / "ground").mkdir()
    zmq.auth.create_certificates(keys / "ground", "ground")
    before = {each.name for each in tmp_path.iterdir()}
    config = configured(
        output__file_mb=1,
        control={
            "endpoint": f"ipc://{tmp_path}/control",
            "curve": {"own_secret": str(keys / "node.key_secret"), "peers": str(keys / "ground")},
        },
        output__socket={"kind": "push", "endpoint": f"ipc://{tmp_path}/verdicts"},
        telemetry={**PACKETS, "pose_outputs": ["rotation"]},
    )
    assert failed(small, config) == ""
    assert {each.name for each in tmp_path.iterdir()} - before <= {"node.yaml", "tested.yaml", "camera"}
    (keys / "node.key_secret").unlink()
    assert "endpoints" in failed(small, config)


def test_the_socket_of_a_receiver_who_waits_stays_where_it_is(
    configured: Configured, small: Path, tmp_path: Path, failed: Callable[[Path, NodeConfig], str]
) -> None:
    receiver = tmp_path / "receiver"
    with zmq.Context() as context, context.socket(zmq.PULL) as waiting:
        waiting.bind(f"ipc://{receiver}")
        output = {"kind": "push", "endpoint": f"ipc://{receiver}", "bind": False}
        assert failed(small, configured(output__file_mb=1, output__socket=output)) == ""
        assert receiver.exists()


def test_a_node_that_flies_has_its_endpoint_and_telemetry_has_its_library(
    configured: Configured,
    small: Path,
    tmp_path: Path,
    failed: Callable[[Path, NodeConfig], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    control = {"endpoint": f"ipc://{tmp_path}/control"}
    other = {"journal__ring": str(tmp_path / "other"), "output__folder": str(tmp_path / "others")}
    with parts_of(configured(control=control)):
        assert "another process waits there" in failed(small, configured(output__file_mb=1, control=control, **other))
    config = configured(output__file_mb=1, telemetry=PACKETS)
    monkeypatch.setitem(sys.modules, "spacepackets", None)
    for name in [name for name in sys.modules if name.startswith("spacepackets.")]:
        monkeypatch.setitem(sys.modules, name, None)
    assert "spacepackets" in failed(small, config)


def test_the_bundle_that_was_chosen_by_command_is_named_and_looked_at(
    configured: Configured,
    small: Path,
    moody: Path,
    tmp_path: Path,
    failed: Callable[[Path, NodeConfig], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    config, place = configured(output__file_mb=1), tmp_path / "out" / "chosen.yaml"
    place.parent.mkdir()
    of_config = Choice(str(small))
    chosen = Chosen(of_config, (of_config, Choice(str(moody))), proven=True)
    place.write_text(strict_yaml.dump(chosen))
    written = place.read_bytes()
    assert ran(small, config, tmp_path) == 0
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "  chosen" in line]
    assert f"the node will fly {moody}, as chosen by command" in said and "NOT the one that is tested here" in said
    assert failed(moody, config) == ""
    shutil.rmtree(moody)
    assert f"will try to fly {moody}" in failed(small, config)
    assert place.read_bytes() == written
    place.write_text("choices: 3\n")
    assert "flying the configured bundle" in failed(small, config)
