"""The frame message: what goes in comes out, and nothing malformed raises anything but its named error."""

import uuid
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from onboard.wire import BOX_SOURCES, HEADER_BYTES, Header, Limits, PixelFormat, WireError, decode, encode, read_header

LIMITS = Limits(width_px=64, height_px=64, payload_bytes=10_000)
FUZZ = settings(deadline=None, max_examples=300)
RUN = uuid.UUID(int=7).bytes


def header_of(payload: bytes, **changes: Any) -> Header:
    """A sound header for 6 x 4 RGB pixels with rows of 20 bytes, with some fields changed."""
    sound = Header(RUN, 9, 10, 20, 30, 6, 4, 20, PixelFormat.RGB8, (1.5, 2.0, 4.0, 3.25), "tracker", 80, 0)
    return replace(sound, payload_crc32=zlib.crc32(payload), **changes)


PAYLOAD = bytes(range(80))


@st.composite
def frames(draw: st.DrawFn) -> tuple[Header, bytes]:
    pixel_format = draw(st.sampled_from(PixelFormat))
    width, height = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    stride = pixel_format.row_bytes(width) + draw(st.integers(0, 5))
    times = sorted(draw(st.lists(st.integers(0, (1 << 63) - 1), min_size=3, max_size=3)))
    box = draw(st.none() | st.tuples(*[st.floats(allow_nan=False)] * 4))
    payload = draw(st.binary(min_size=stride * height, max_size=stride * height))
    source = "none" if box is None else draw(st.sampled_from(BOX_SOURCES[1:]))
    run, frame_id = draw(st.binary(min_size=16, max_size=16)), draw(st.integers(0, (1 << 64) - 1))
    size = len(payload)
    made = Header(run, frame_id, *times, width, height, stride, pixel_format, box, source, size, zlib.crc32(payload))
    return made, payload


@FUZZ
@given(frames(), st.booleans())
def test_what_goes_in_comes_out(frame: tuple[Header, bytes], apart: bool) -> None:
    header, payload = frame
    head = encode(header)
    message = decode(head, payload, LIMITS) if apart else decode(head + payload, None, LIMITS)
    assert message.header == header
    assert message.payload == payload


@FUZZ
@given(frames(), st.data())
def test_any_flipped_byte_is_noticed(frame: tuple[Header, bytes], data: st.DataObject) -> None:
    header, payload = frame
    whole = bytearray(encode(header) + payload)
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WireError):
        decode(whole, None, LIMITS)


@FUZZ
@given(st.binary(max_size=400), st.binary(max_size=100) | st.none())
def test_noise_is_a_named_error(data: bytes, payload: bytes | None) -> None:
    with pytest.raises(WireError) as caught:
        decode(data, payload, LIMITS)
    assert caught.value.reason.startswith("wire_")


@FUZZ
@given(st.binary(min_size=HEADER_BYTES - 12, max_size=HEADER_BYTES - 12))
def test_any_fields_behind_a_valid_checksum_give_a_message_within_the_limits_or_a_named_error(fields: bytes) -> None:
    start = encode(header_of(PAYLOAD))[:8]
    head = start + fields
    head += zlib.crc32(head).to_bytes(4, "little")
    try:
        header = read_header(head, LIMITS)
    except WireError as error:
        assert error.key == (fields[:16], int.from_bytes(fields[16:24], "little"))
    else:
        assert header.payload_bytes <= LIMITS.payload_bytes


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"width": 0}, "wire_size"),
        ({"height": 65}, "wire_size"),
        ({"stride": 17}, "wire_stride"),
        ({"payload_bytes": 79}, "wire_payload_length"),
        ({"height": 5, "payload_bytes": 100}, "wire_payload_length"),
        ({"stride": 4000, "payload_bytes": 16_000}, "wire_too_large"),
        ({"width": 60_000, "height": 60_000}, "wire_size"),
        ({"exposure_end_ns": 9}, "wire_times"),
        ({"sent_ns": 19}, "wire_times"),
        ({"pixel_format": 0x01100025}, "wire_pixel_format"),
        ({"box_source": "none"}, "wire_flags"),
        ({"box": None}, "wire_flags"),
    ],
)
def test_a_sound_header_with_wrong_contents_names_its_frame(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(WireError) as caught:
        decode(encode(header_of(PAYLOAD, **changes)), PAYLOAD, LIMITS)
    assert (caught.value.reason, caught.value.key) == (reason, (RUN, 9))


def test_altered_pixels_name_their_frame() -> None:
    with pytest.raises(WireError) as caught:
        decode(encode(header_of(PAYLOAD)), PAYLOAD[:-1] + b"x", LIMITS)
    assert (caught.value.reason, caught.value.key) == ("wire_payload_crc", (RUN, 9))


def test_the_pixels_are_not_copied() -> None:
    buffer = bytearray(encode(header_of(PAYLOAD)) + PAYLOAD)
    message = decode(buffer, None, LIMITS)
    buffer[HEADER_BYTES] = 200
    assert np.frombuffer(message.payload, np.uint8)[0] == 200
