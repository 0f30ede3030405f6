"""A frame with its box and verdict drawn on it, for people."""

import cv2

from onboard.image import Frame
from onboard.messages import Status, Verdict

_GREEN, _RED, _GREY = (80, 220, 100), (255, 80, 70), (170, 170, 170)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def annotate(frame: Frame, verdict: Verdict) -> Frame:
    """A copy of the frame (uint8 RGB [H, W, 3]) with box, verdict and p-value; red: debris, green: satellite."""
    picture = frame.copy()
    height, width = frame.shape[:2]
    scale = max(0.45, min(width, height) / 1000)
    thickness = max(1, round(2 * scale))
    colour = _GREY if verdict.is_debris is None else _RED if verdict.is_debris else _GREEN
    left, top = 8, height - 12
    if verdict.box is not None and verdict.status is Status.ANSWERED:
        x_min, y_min, x_max, y_max = (round(value) for value in verdict.box)
        cv2.rectangle(picture, (x_min, y_min), (x_max - 1, y_max - 1), colour, thickness)
        left, top = max(4, x_min), y_min - 8
    text = _text(verdict)
    (text_w, text_h), below = cv2.getTextSize(text, _FONT, scale, thickness)
    left = max(0, min(left, width - text_w - 4))
    top = min(max(text_h + 4, top), height - below)
    # A dark outline keeps the words readable on a sunlit Earth. The same letters moved, for thicker ones are wider.
    for dx, dy in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        cv2.putText(picture, text, (left + dx, top + dy), _FONT, scale, (0, 0, 0), thickness, cv2.LINE_AA)
    cv2.putText(picture, text, (left, top), _FONT, scale, colour, thickness, cv2.LINE_AA)
    return picture


def _text(verdict: Verdict) -> str:
    if verdict.status is not Status.ANSWERED or verdict.anomaly_score is None:
        return f"{verdict.status.value}: {verdict.reason}"
    score = f"score {verdict.anomaly_score:+.2f}"
    if verdict.is_debris is None or verdict.p_value is None:
        return score
    return f"{'DEBRIS' if verdict.is_debris else 'SATELLITE'}  {score}  p {verdict.p_value:.3f}"
