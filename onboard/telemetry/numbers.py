"""Numbers for names. They are what the ground knows: a number is never changed, nor given to another name."""

from onboard.messages import Status

STATUSES = {Status.ANSWERED: 1, Status.REJECTED: 2, Status.SKIPPED: 3}
ENGINES = {"unavailable": 0, "onnxruntime": 1, "tensorrt": 2, "reloading": 3}
OTHER_ENGINE, OTHER_REASON, OTHER_EVENT = 0xFF, 0xFFFF, 0

REASONS = {
    None: 0,
    "superseded": 1,
    "stale": 2,
    "unavailable": 3,
    "overwritten": 4,
    "restart": 5,
    "journal_overrun": 6,
    "paused": 7,
    "reloading": 8,
    "frame_wrong_type": 16,
    "frame_wrong_size": 17,
    "frame_black": 18,
    "frame_saturated": 19,
    "frame_frozen": 20,
    "frame_missing": 21,
    "frame_unusable": 22,
    "sanity_failed": 23,
    "no_box": 32,
    "box_not_finite": 33,
    "box_empty": 34,
    "box_outside_frame": 35,
    "box_mostly_outside": 36,
    "box_too_small": 37,
    "box_too_large": 38,
    "box_unusable": 39,
    "window_failed": 40,
    "invalid_output": 48,
    "inference_failed": 49,
    "logit_not_finite": 50,
    "wire_pixel_format": 64,
    "wire_flags": 65,
    "wire_times": 66,
    "wire_size": 67,
    "wire_stride": 68,
    "wire_payload_length": 69,
    "wire_too_large": 70,
    "wire_payload_crc": 71,
}
"""Of a verdict; one that is not here goes out as 65535."""

EVENTS = {
    "started": 1,
    "ended": 2,
    "failed": 3,
    "engine_reloaded": 4,
    "reload_failed": 5,
    "engine_handed_over": 6,
    "unavailable": 7,
    "account_differs": 8,
    "deadline_missed": 9,
    "clock_ahead": 10,
    "duplicate": 11,
    "too_late": 12,
    "no_room": 13,
    "track_lost": 14,
    "output_lost": 15,
    "verdict_dropped": 16,
    "outputs_too_large": 17,
    "drift_lost": 18,
    "engine_renewed": 19,
    "known_answer_wrong": 20,
    "known_answers_vary": 21,
    "scrub_failed": 22,
    "bundle_changed": 23,
    "bundle_refused": 24,
    "bundle_rolled_back": 25,
    "choice_lost": 26,
    "load_hangs": 27,
    "debris_given_up": 28,
    "storage_read_only": 29,
    "debris_failed": 30,
    "reordered": 31,
    "gap": 32,
    "source_lost": 33,
    "source_back": 34,
    "source_unplugged": 35,
    "no_ring": 36,
    "garbage": 37,
    "closed_after_restart": 48,
    "archive_dropped": 49,
    "archive_lost": 50,
    "journal_set_aside": 51,
    "journal_overrun": 52,
    "run_retired": 53,
    "journal_not_kept": 54,
    "telemetry_dropped": 64,
    "telemetry_failed": 65,
    "command": 80,
    "command_status": 81,
    "command_refused": 82,
    "command_failed": 83,
    "control_garbage": 84,
    "part_hung": 96,
    "part_late": 97,
    "part_back": 98,
    "stroke_unheard": 99,
    "budget_missed": 100,
    "priority_refused": 101,
    "cores_refused": 102,
    "memory_not_locked": 103,
    "clock_drift": 104,
    "camera_differs": 105,
}
"""Of an event report; one that is not here goes out as 0, its name before its detail."""

MEDIUM = frozenset(
    {
        "reload_failed",
        "track_lost",
        "drift_lost",
        "choice_lost",
        "debris_failed",
        "output_lost",
        "verdict_dropped",
        "no_room",
        "source_lost",
        "archive_lost",
        "archive_dropped",
        "telemetry_dropped",
        "telemetry_failed",
    }
)
"""Warnings of something that was lost, or could not be mended."""


def severity(name: str, level: str) -> int:
    """The event report's subtype: 1 for what is info, 2 and 3 for warnings, 4 for what is fatal."""
    if level == "warning":
        return 3 if name in MEDIUM else 2
    return 4 if level == "fatal" else 1
