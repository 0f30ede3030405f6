"""The verdict message."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.messages import StageTimes, Status, Verdict
from onboard.wire import WireError, verdict

MADE = Verdict(
    "ab" * 16, (1 << 64) - 1, "a.png", (1.0, 2.0, 3.0, 4.0), "sidecar", Status.REJECTED, "frame_black", None,
    None, None, None, None, StageTimes(1, 2, 3, 6), "0" * 64,
)  # fmt: skip


def test_a_verdict_comes_out_as_it_went_in() -> None:
    assert verdict.decode(verdict.encode(MADE)) == MADE


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300), st.booleans())
def test_noise_is_a_named_error(noise: bytes, behind_a_prefix: bool) -> None:
    with pytest.raises(WireError):
        verdict.decode(verdict.encode(MADE)[: 8 if behind_a_prefix else 0] + noise)


def test_a_message_too_large_is_not_parsed() -> None:
    with pytest.raises(WireError, match="taken") as caught:
        verdict.decode(verdict.encode(MADE) + b" " * verdict.MOST_BYTES)
    assert caught.value.reason == "wire_size"
