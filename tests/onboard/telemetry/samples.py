"""A verdict and a summary with a value in every field that telemetry tells."""

from typing import Any

from onboard.messages import StageTimes, Status, TrackVerdict, Verdict

BUNDLE = "aabbccddeeff0011" + "00" * 24
VERDICT = Verdict(
    run="000102030405060708090a0b0c0d0e0f",
    frame_id=5,
    frame="00010203/5",
    box=(1.0, 2.0, 3.0, 4.5),
    box_source="detector",
    status=Status.ANSWERED,
    reason=None,
    detail=None,
    logit=-2.0,
    anomaly_score=2.0,
    p_value=0.25,
    is_debris=True,
    stage_ns=StageTimes(0, 0, 0, 0),
    bundle=BUNDLE,
    exposure_start_ns=1_000_000_000,
    exposure_end_ns=1_000_000_001,
    outputs={"rotation": [[1.0, -2.0, 0.5]], "other": [[7.0]]},
    track=TrackVerdict(7, 0.5, 1.0, False, None, True),
)
PAGE: dict[str, Any] = {
    "bundle": BUNDLE,
    "engine": "onnxruntime",
    "paused": True,
    "frames": {
        "received": 9, "answered": 5, "rejected": {"no_box": 2}, "skipped": {"stale": 1, "superseded": 1},
        "called_debris": 3, "not_recorded": {"duplicate": 4}, "reordered": 17,
    },
    "deadline": {"limit_ms": None, "missed": None, "of": 7},
    "latency_ms": {"total": {"p50": 1.0, "p99": 2.0, "p99.9": 3.0, "max": 4.0}},
    "invalid_outputs": 6,
    "verdicts_dropped": {"socket": 8},
    "telemetry": {"dropped": 12, "failed": 13},
    "drift": {"tracks": 2, "log_capital": 0.5, "alarm_at_0.01": False},
    "journal": {"agrees": True},
    "events": {"gap": 10, "started": 1},
    "health": {
        "known_answers": {"asked": 14, "wrong": 15}, "scrub": {"passes": 16, "failed": {"model.onnx": "0"}},
        "sensors": {"temperature_c": {"cpu": 40.0, "gpu": 50.0}, "power_w": {"VDD_IN": 2.0}},
    },
}  # fmt: skip
