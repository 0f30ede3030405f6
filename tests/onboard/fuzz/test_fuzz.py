"""Inputs that nobody thought of, at all that an outsider can write to; `python -m benchmarks.fuzz` tries more."""

from collections.abc import Callable
from pathlib import Path

import pytest

from onboard.fly.config import NodeConfig
from tests.onboard.control.node import flying, until
from tests.onboard.fly.conftest import configured as configured
from tests.onboard.fly.conftest import small as small
from tests.onboard.fuzz import surfaces
from tests.onboard.fuzz.attempts import attempt
from tests.onboard.fuzz.control_socket import check, control_socket
from tests.onboard.small_flight import write_bundle

INPUTS, SLOWEST_S, GROWN_MB = 100, 10.0, 50.0


@pytest.mark.parametrize("name", ["manifest.yaml", "node config", "replay config", "engine.yaml", "command"])
def test_what_is_nearly_right_is_believed_or_refused_and_nothing_else(name: str, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", (64,))
    tally = attempt(surfaces.all_of(tmp_path, bundle)[name], INPUTS)
    assert tally.tried >= INPUTS * 0.9
    assert 0 < tally.believed < tally.tried  # the inputs are near enough, and far enough
    assert tally.slowest_s < SLOWEST_S
    assert tally.grown_mb < GROWN_MB


def test_a_node_flies_on_whatever_its_control_socket_gets(
    configured: Callable[..., NodeConfig], tmp_path: Path
) -> None:
    pytest.importorskip("zmq")
    with flying(configured(control={"endpoint": f"ipc://{tmp_path}/control"}), tmp_path) as node:
        until(lambda: node.answered() > 3)
        tally = attempt(control_socket(node), INPUTS)
        check(node)
    assert tally.tried >= INPUTS * 0.9
    assert tally.believed > 0
    assert tally.grown_mb < GROWN_MB
    assert node.join()["journal"]["agrees"]
