"""What an outsider can write to: a manifest, a configuration, a command, a frame message; and what may come of it."""

import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml
from hypothesis import strategies as st

from onboard import strict_yaml
from onboard.config import FlightConfig
from onboard.control.messages import Command, UnreadableError, decode
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.fly.config import NodeConfig
from onboard.messages import StageTimes, Status, Verdict
from onboard.trt.manifest import EngineManifest
from onboard.wire import Header, Limits, PixelFormat, WireError
from onboard.wire import decode as decode_frame
from onboard.wire import encode as encode_frame
from onboard.wire import verdict as verdicts
from tests.onboard.fuzz.mutations import mutated

_LIMITS, _NO_TIMES = Limits(width_px=64, height_px=64, payload_bytes=20_000), StageTimes(0, 0, 0, 0)


class Surface(NamedTuple):
    """Inputs, and what takes one: gives whether it was believed, and raises where something is wrong with the taker."""

    inputs: st.SearchStrategy[Any]
    take: Callable[[Any], bool]


def manifest(bundle: Path) -> Surface:
    """Manifests whose hash is right, as whoever alters a bundle would see to. The bundle is written to."""
    valid = strict_yaml.parse((bundle / "manifest.yaml").read_text(), "manifest.yaml")

    def take(data: bytes) -> bool:
        (bundle / "manifest.yaml").write_bytes(data)
        (bundle / "manifest.sha256").write_text(hashlib.sha256(data).hexdigest())
        try:
            found = Detector.load(bundle).bundle.manifest
        except InputError:
            return False
        strict_yaml.dump(found)
        return True

    return Surface(mutated(valid), take)


NODE = """
bundle: bundle
source: {kind: stream, endpoint: "tcp://127.0.0.1:5555", bind: true, limits: {width_px: 1920, height_px: 1200}}
journal: {ring: /dev/shm/journal, archive: null, records: 1024, archive_files: 8}
output:
  folder: out
  socket: {kind: push, endpoint: "tcp://127.0.0.1:5556", curve: {own_secret: a, peers: b}, queue: 100}
  pose_outputs: [rotation]
  file_mb: 16
runtime: {threads: 1, engine: null}
signature: {public_key: null}
sanity: {frame_size_px: [[1024, 1024]], black_level: 3, white_share: 0.8}
invalid: {logit_limit: 1.0e+6, in_a_row: 3, reloads: 2}
control: {endpoint: "tcp://127.0.0.1:5557", answer_s: 5}
stale_ms: 1000
clock_offset_ms: 0.0
false_alarm_rate: 0.01
confidence: 0.95
"""
FLIGHT = """
bundle: bundle
source: {folder: frames, boxes: null, frame_size_px: [96, 96], grey: refuse}
output: {folder: out, annotated: false}
runtime: {threads: 1}
false_alarm_rate: null
"""
ENGINE = f"""
format: 1
model_sha256: {"a" * 64}
engine_sha256: {"b" * 64}
gpu: {{name: Orin, compute_capability: '8.7'}}
library: {{name: tensorrt, version: 10.3.0}}
precision: fp16
strongly_typed: true
tf32: false
profiles: [256, [720, 1280]]
workspace_mb: null
dla_core: null
timing_cache_sha256: null
placement: null
"""


def config(folder: Path, kind: Any, text: str) -> Surface:
    """Configurations; one that is believed can be recorded and read again, as a node does at its start."""
    path = folder / "config.yaml"

    def take(data: bytes) -> bool:
        path.write_bytes(data)
        try:
            found = strict_yaml.load(path, kind)
        except InputError:
            return False
        assert strict_yaml.convert(strict_yaml.parse(strict_yaml.dump(found), "again"), kind, "again") == found
        return True

    return Surface(mutated(yaml.safe_load(text)), take)


@st.composite
def spoilt(draw: st.DrawFn, sound: bytes) -> bytes:
    """Bytes with up to three places changed, cut or lengthened."""
    found = bytearray(sound)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(found)))
        found[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=8))
    return bytes(found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
NAMES = st.sampled_from(["status", "set_alpha", "pause", "resume", "load", "roll_back", "self_test", "halt", "STATUS"])
HUGE = (b"[" * 15_000, b'{"command":' * 1000, b'"' + b"a" * 16_000, b"9" * 16_000, b"\0" * 16_384, b" " * 16_384)


@st.composite
def command_bytes(draw: st.DrawFn) -> bytes:
    """Nearly commands: other types, other fields, spoilt bytes, noise. Never `stop`."""
    match draw(st.integers(0, 4)):
        case 0:
            return draw(st.binary(max_size=200))
        case 1:
            return draw(st.sampled_from(HUGE))
        case 2:
            return bytes(msgspec.json.encode(draw(JSON)))
        case 3:
            fields = draw(st.dictionaries(st.text(max_size=8), JSON, max_size=2))
            known = st.sampled_from(["false_alarm_rate", "confidence", "bundle"])
            fields |= draw(st.dictionaries(known, JSON | st.floats(0, 1), max_size=2))
            return bytes(msgspec.json.encode({"command": draw(NAMES | JSON), **fields}))
        case _:
            sound = [b'{"command":"set_alpha","false_alarm_rate":0.01}', b'{"command":"load","bundle":"/tmp"}']
            return draw(spoilt(draw(st.sampled_from([*sound, b'{"command":"status"}']))))


def command() -> Surface:
    """Commands, as they are decoded."""

    def take(data: bytes) -> bool:
        try:
            found: Command = decode(data)
        except UnreadableError as error:
            assert len(str(error)) < 2000
            return False
        assert decode(msgspec.json.encode(found)) == found
        return True

    return Surface(command_bytes(), take)


def message(sound: bytes, decoded: Callable[[bytes], Any]) -> Surface:
    """Messages of the wire with some bytes changed, and noise."""

    def take(data: bytes) -> bool:
        try:
            decoded(data)
        except WireError:
            return False
        return True

    return Surface(spoilt(sound) | st.binary(max_size=400), take)


def all_of(folder: Path, bundle: Path) -> dict[str, Surface]:
    """All surfaces but the sockets; folder and bundle are written to."""
    payload = bytes(range(80))
    header = Header(bytes(16), 9, 10, 20, 30, 6, 4, 20, PixelFormat.RGB8, None, "none", 80, zlib.crc32(payload))
    answer = Verdict(
        "0" * 32, 1, "f", None, None, Status.SKIPPED, "stale", None, None, None, None, None, _NO_TIMES, "b"
    )
    return {
        "manifest.yaml": manifest(bundle),
        "node config": config(folder, NodeConfig, NODE),
        "replay config": config(folder, FlightConfig, FLIGHT),
        "engine.yaml": config(folder, EngineManifest, ENGINE),
        "command": command(),
        "frame message": message(encode_frame(header) + payload, lambda data: decode_frame(data, None, _LIMITS)),
        "verdict message": message(verdicts.encode(answer), verdicts.decode),
    }
