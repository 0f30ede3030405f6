"""Each kind of source from YAML, and what a wrong one is told."""

from pathlib import Path

import msgspec
import pytest

from onboard import strict_yaml
from onboard.errors import InputError
from onboard.sources import SourceConfig


class Config(msgspec.Struct, forbid_unknown_fields=True):
    source: SourceConfig


@pytest.mark.parametrize(
    "text",
    [
        "{kind: folder, folder: data/pass_12, rate_hz: 20}",
        "{kind: video, path: a.mp4}",
        "{kind: camera, device: 0, size_px: [1920, 1200], rate_hz: 20}",
        "{kind: camera, device: /dev/video0}",
        "{kind: gstreamer, pipeline: videotestsrc ! appsink}",
        '{kind: stream, endpoint: "tcp://127.0.0.1:5555", limits: {width_px: 1920}, curve: {own_secret: a, peers: b}}',
        "{kind: ring, path: /dev/shm/camera, copy: false}",
    ],
)
def test_each_kind(tmp_path: Path, text: str) -> None:
    path = tmp_path / "flight.yaml"
    path.write_text(f"source: {text}\n")
    config = strict_yaml.load(path, Config)
    assert msgspec.to_builtins(config.source)["kind"] in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{kind: radar}", "radar"),
        ("{kind: ring, path: a, slots: 3}", "unknown key 'slots'"),
        ("{kind: ring}", "'path' is missing"),
        ("{kind: camera, device: 0, silence_s: 0}", "silence_s: 0"),
        ("{kind: stream, endpoint: a, queue: 100000}", "queue: 100000"),
    ],
)
def test_a_wrong_one_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "flight.yaml"
    path.write_text(f"source: {text}\n")
    with pytest.raises(InputError, match=said):
        strict_yaml.load(path, Config)
