"""When each frame is exposed and when it is sent: jitter, transport, and what faults hold back."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from hil_tests.bench.config import StreamSetup
from hil_tests.bench.plan import FaultPlan, Injection

Times = npt.NDArray[np.int64]
_BEHIND_NS = 1_000_000  # of a frame that the next one passes


def timeline(
    setup: StreamSetup, frames: int, rate_hz: float, seed: int, injections: Iterable[Injection], plan: FaultPlan | None
) -> tuple[Times, Times]:
    """Starts of the exposures, and times of sending, ns from the first due time.

    The start scatters about its due time (normal, cut at three standard deviations); transport is exponential. Frames
    that a network holds back are all sent when the last of them would have been.
    """
    draw = np.random.default_rng(seed)
    jitter = np.clip(draw.normal(0, 1, frames), -3, 3) * setup.jitter_ms
    transport = setup.exposure_ms + draw.exponential(1, frames) * setup.transport_ms
    exposed = (np.arange(frames) * 1e9 / rate_hz + jitter * 1e6).astype(np.int64)
    due = exposed + (transport * 1e6).astype(np.int64)
    for fault in injections if plan is not None else ():
        held = slice(fault.frame_id, fault.frame_id + fault.frames)
        if fault.kind in ("burst", "stall"):
            due[held] = due[held].max()
        elif fault.kind == "reorder":
            due[fault.frame_id] = due[held].max() + _BEHIND_NS
        elif fault.kind == "delay":
            assert plan is not None
            due[fault.frame_id] += round(plan.delay_ms * 1e6)
    return exposed, due
