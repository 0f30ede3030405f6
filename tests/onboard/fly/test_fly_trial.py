"""A new bundle's trial goes on after a restart, and one that ends the process again and again is given up."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onboard import strict_yaml
from onboard.errors import InputError
from onboard.event import Event, Events
from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.health.choice import Choice, Chosen
from tests.onboard.fly.test_fly_change import Camera, change, sha
from tests.onboard.fly.test_fly_change import camera as camera

Configured = Callable[..., NodeConfig]
CONFIGURED, OF_CHOICE = Choice("one"), ("bundle_rolled_back", "reload_failed", "choice_lost")


def kept(tmp_path: Path) -> dict[str, Any]:
    return dict(strict_yaml.parse_file(tmp_path / "out" / "chosen.yaml"))


def load(config: NodeConfig, folder: Path, camera: Camera, more: int = 0) -> None:
    """Fly, change to this bundle, show frames, end."""
    with parts_of(config) as parts:
        loop = Loop(parts)
        answers = change(parts, folder)
        camera.show_until(loop, lambda: bool(answers))
        assert answers == [None]
        camera.show(loop, more)


def started(config: NodeConfig) -> tuple[str, list[Event]]:
    """The bundle of a start, and what was said of it."""
    with parts_of(config) as parts:
        return parts.guard.bundle.sha256, [each for each in parts.events.take() if each.name in OF_CHOICE]


def test_nonsense_after_a_restart_leads_back_to_the_bundle_before(
    configured: Configured, small: Path, moody: Path, camera: Camera
) -> None:
    config = configured(invalid={"in_a_row": 1, "reloads": 0})
    load(config, moody, camera)
    with parts_of(config) as parts:
        loop = Loop(parts)
        assert parts.guard.bundle.sha256 == sha(moody)
        camera.show(loop, 2, most=60, guard=parts.guard)
        assert (parts.guard.state, parts.guard.bundle.sha256) == ("onnxruntime", sha(small))
        assert parts.log.counts["unavailable"] == 0


def test_a_bundle_that_ends_the_process_before_it_is_proven_flies_twice_more(
    configured: Configured, small: Path, moody: Path, tmp_path: Path, camera: Camera
) -> None:
    config = configured()
    load(config, moody, camera)
    for count in (1, 2):
        assert started(config) == (sha(moody), [])
        assert (kept(tmp_path)["proven"], kept(tmp_path)["starts"]) == (False, count)
    flown, (event,) = started(config)
    assert (flown, event.name) == (sha(small), "bundle_rolled_back")
    assert "started 2 times" in event.detail
    assert started(config) == (sha(small), [])


def test_what_flies_already_and_is_loaded_again_is_no_other_bundle(
    configured: Configured, calibrated: Path, moody: Path, tmp_path: Path, camera: Camera
) -> None:
    config = configured()
    load(config, calibrated, camera)
    for _ in range(3):  # an operator who had no answer asks again
        load(config, moody, camera)
    assert [Path(each["bundle"]) for each in kept(tmp_path)["choices"][1:]] == [calibrated, moody]
    assert kept(tmp_path)["starts"] == 2, "the trial goes on through all of them"
    flown, (event,) = started(config)
    assert (flown, event.name) == (sha(calibrated), "bundle_rolled_back")


def test_a_proven_bundle_flies_at_every_start(
    configured: Configured, moody: Path, tmp_path: Path, camera: Camera
) -> None:
    config = configured(invalid={"healthy_frames": 2, "in_a_row": 1, "reloads": 0})
    load(config, moody, camera, more=3)
    assert kept(tmp_path)["proven"]
    for _ in range(3):
        assert started(config) == (sha(moody), [])
    with parts_of(config) as parts:
        camera.show(Loop(parts), 2, most=60, guard=parts.guard)
        assert (parts.log.counts["debris_given_up"], parts.guard.bundle.sha256) == (1, sha(moody))  # no trial is left


def test_a_bundle_on_trial_flies_once_more_where_nothing_else_can(
    configured: Configured, small: Path, moody: Path, tmp_path: Path, camera: Camera
) -> None:
    first = Path(shutil.copytree(small, tmp_path / "first"))
    config = configured(bundle=str(first))
    load(config, moody, camera)
    started(config), started(config)
    shutil.rmtree(first)
    flown, events = started(config)
    assert (flown, [each.name for each in events]) == (sha(moody), ["bundle_rolled_back", "reload_failed"])
    shutil.rmtree(moody)
    with pytest.raises(InputError):
        started(config)


def test_each_bundle_that_comes_to_fly_again_has_a_trial_of_its_own() -> None:
    events = Events()
    chosen = Chosen(CONFIGURED, (CONFIGURED,)).flying(Choice("two")).proved().flying(Choice("three"))
    flown = []
    for _ in range(6):
        chosen = chosen.at_start(events)
        flown.append(chosen.choices[-1].bundle)
    assert flown == ["three", "three", "two", "two", "one", "one"]
    assert [event.name for event in events.take()] == ["bundle_rolled_back"] * 2


def test_a_file_of_an_older_node_is_read(tmp_path: Path) -> None:
    path, events = tmp_path / "chosen.yaml", Events()
    path.write_text("configured: {bundle: one}\nchoices: [{bundle: one}, {bundle: two}]\n")
    found = Chosen.restore(path, CONFIGURED, events)
    assert (found.choices[-1].bundle, found.on_trial, found.starts) == ("two", True, 0)
    assert not events.take()
