"""The detector as a library call: the right answer, or a rejection with its reason, and never an exception."""

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from onboard import Answer, Detector, Status, image
from onboard import bundle as bundles
from onboard.files import sha256

Box = tuple[float, float, float, float]
NAN, INF = float("nan"), float("inf")


@pytest.fixture(scope="module")
def detector(fitted: Path) -> Detector:
    return Detector.load(fitted / "bundle")


@pytest.fixture(scope="module")
def shown(drawn: Any) -> list[tuple[npt.NDArray[np.uint8], Box]]:
    """Frames and boxes that the small run did not train on."""
    with (drawn.root / "val.csv").open() as file:
        rows = list(csv.DictReader(file))
    pairs = []
    for row in rows[::4]:
        y_min, x_min, y_max, x_max = json.loads(row["bbox"])
        pairs.append((image.read(drawn.root / "val" / row["filename"]), (x_min, y_min, x_max, y_max)))
    return pairs


def logit(answer: Answer) -> float:
    assert answer.status is Status.ANSWERED and answer.reason is None and answer.logit is not None
    return answer.logit


def test_score_and_p_value_follow_from_the_logit(detector: Detector, shown: list) -> None:
    normal = detector.bundle.calibration_scores()
    assert normal is not None and len(normal) == 15
    p_values = set()
    for frame, box in shown:
        for shift in (0, 3, 8, 20):
            answer = detector(frame, (box[0] + shift, *box[1:]))
            assert answer.anomaly_score == -logit(answer)
            assert answer.p_value == (1 + sum(score >= np.float32(-logit(answer)) for score in normal)) / 16
            assert answer.infer_ns > 0 and answer.window_ns > 0
            p_values.add(answer.p_value)
    assert len(p_values) >= 4, "the frames must spread over the calibration scores for this test to mean anything"


def test_a_window_that_is_cut_beside_the_engine_leaves_the_one_in_use(detector: Detector, shown: list) -> None:
    (one, its_box), (other, box) = shown[:2]
    in_use = detector.prepare(one, its_box)
    assert in_use is not None
    before = in_use.pixels.copy()
    window = detector.prepare(other, box)
    assert window is not None
    assert (in_use.pixels == before).all()
    assert detector(other, box, window).logit == detector(other, box).logit
    assert detector.prepare(one, (NAN, 0.0, 9.0, 9.0)) is None


def test_without_calibration_there_is_no_p_value(bundle: Path, shown: list) -> None:
    manifest = msgspec.structs.replace(bundles.read(bundle).manifest, calibration_scores=None)
    bundles.write_manifest(bundle, manifest)
    uncalibrated = Detector.load(bundle)
    answer = uncalibrated(*shown[0])
    assert uncalibrated.calibration_frames == 0
    assert answer.p_value is None and answer.anomaly_score == -logit(answer)


def test_normal_data_as_odd_as_the_box_counts_as_odd(bundle: Path, shown: list) -> None:
    scores = np.sort(np.float32([-logit(Detector.load(bundle)(*pair)) for pair in shown]))
    manifest = bundles.read(bundle).manifest
    np.save(bundle / "own.npy", scores)
    files = {**manifest.files, "own.npy": sha256(bundle / "own.npy")}
    bundles.write_manifest(bundle, msgspec.structs.replace(manifest, files=files, calibration_scores="own.npy"))
    calibrated = Detector.load(bundle)
    for pair in shown:
        answer = calibrated(*pair)
        assert answer.p_value == (1 + sum(scores >= np.float32(-logit(answer)))) / (len(scores) + 1)


def test_a_known_answer_s_window_is_a_frame_like_any_other(detector: Detector) -> None:
    crop, known = detector.bundle.manifest.crop, detector.bundle.manifest.known_answers[0]
    frame = image.read(detector.bundle.folder / known.window)
    assert frame.shape[0] == crop.windows[0]
    x_min, y_min, x_max, y_max = known.region
    margin = (x_max - x_min) / (1 + 2 * crop.margin) * crop.margin
    answer = detector(frame, (x_min + margin, y_min + margin, x_max - margin, y_max - margin))
    assert abs(logit(answer) - known.logit) < 1e-2


def test_channel_order_and_box_matter(detector: Detector, shown: list) -> None:
    frame, box = shown[0]
    right = logit(detector(frame, box))
    assert abs(logit(detector(np.ascontiguousarray(frame[..., ::-1]), box)) - right) > 0.5
    assert abs(logit(detector(frame, (0, 0, frame.shape[1], frame.shape[0]))) - right) > 0.5


def test_views_and_layouts_of_the_same_pixels_give_the_same_answer(detector: Detector, shown: list) -> None:
    frame, box = shown[0]
    height = frame.shape[0]
    right = logit(detector(frame, box))
    upside_down: Box = (box[0], height - box[3], box[2], height - box[1])
    read_only = frame.copy()
    read_only.flags.writeable = False
    bgr, stored_down = np.ascontiguousarray(frame[..., ::-1]), np.ascontiguousarray(frame[::-1])
    assert logit(detector(bgr[..., ::-1], box)) == right
    assert logit(detector(stored_down[::-1], box)) == right
    assert logit(detector(frame[::-1], upside_down)) == logit(detector(stored_down, upside_down)) != right
    assert logit(detector(np.asfortranarray(frame), box)) == right
    assert logit(detector(read_only, box)) == right


@pytest.mark.parametrize("kind", [list, np.array, lambda box: iter(box), lambda box: np.array(box, np.int16)])
def test_boxes_of_any_four_numbers_are_taken(detector: Detector, shown: list, kind: Any) -> None:
    frame, box = shown[0]
    assert logit(detector(frame, kind(box))) == logit(detector(frame, box))


@pytest.mark.parametrize("side", [90, 91, 700, 701])
def test_an_answer_does_not_depend_on_where_in_the_frame_the_box_lies(detector: Detector, side: int) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (1400, 1400, 3)).astype(np.uint8)
    frame = cv2.GaussianBlur(noise, (0, 0), 2)
    box = (400, 400, 400 + side, 400 + side)
    right = logit(detector(frame, box))
    for dx, dy in ((1, 0), (0, 1), (37, 54)):
        moved = (box[0] - dx, box[1] - dy, box[2] - dx, box[3] - dy)
        assert logit(detector(frame[dy:, dx:], moved)) == right


FRAME = np.zeros((100, 120, 3), np.uint8)


@pytest.mark.parametrize(
    ("frame", "detail"),
    [
        (FRAME[..., 0], "[100, 120]"),
        (FRAME[..., :1], "[100, 120, 1]"),
        (np.zeros((100, 120, 4), np.uint8), "[100, 120, 4]"),
        (FRAME.transpose(2, 0, 1), "[3, 100, 120]"),
        (FRAME[None], "[1, 100, 120, 3]"),
        (FRAME[:0], "[0, 120, 3]"),
        (FRAME.astype(np.uint16), "uint16"),
        (FRAME.astype(np.int8), "int8"),
        (FRAME.astype(np.float32), "float32"),
        (FRAME.astype(object), "object"),
        (FRAME.tolist(), "list"),
        (None, "NoneType"),
    ],
)
def test_frames_that_cannot_be_judged(detector: Detector, frame: Any, detail: str) -> None:
    answer = detector(frame, (10, 10, 50, 50))
    assert (answer.status, answer.reason) == (Status.REJECTED, "frame_unusable")
    assert answer.detail is not None and detail in answer.detail
    assert answer.logit is answer.anomaly_score is answer.p_value is None


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((10, 10, 50), "box_unusable"),
        ((10, 10, 50, 50, 60), "box_unusable"),
        ((), "box_unusable"),
        (None, "box_unusable"),
        (7, "box_unusable"),
        ("1234", "box_unusable"),
        (b"1234", "box_unusable"),
        ((10, 10, "wide", 50), "box_unusable"),
        ((10, 10, None, 50), "box_unusable"),
        ((10, 10, 5j, 50), "box_unusable"),
        ((10, 10, 10**400, 50), "box_unusable"),
        ([[10, 10, 50, 50]], "box_unusable"),
        ((NAN, 10, 50, 50), "box_not_finite"),
        ((10, 10, INF, 50), "box_not_finite"),
        ((10, 10, 10, 10), "box_empty"),
        ((10, 10, 10, 50), "box_empty"),
        ((50, 10, 10, 50), "box_empty"),
        ((10, 50, 50, 10), "box_empty"),
        ((120, 10, 150, 50), "box_outside_frame"),
        ((10, -30, 50, 0), "box_outside_frame"),
        ((-1e308, 10, 1e308, 50), "box_mostly_outside"),
        ((-400, -400, 1, 1), "box_mostly_outside"),
        ((119, 0, 130, 100), "box_mostly_outside"),
        ((5, 5, 5.001, 5.001), "box_too_small"),
        ((0, 0, 5e-324, 5e-324), "box_too_small"),
    ],
)
def test_boxes_that_cannot_be_judged(detector: Detector, box: Any, reason: str) -> None:
    answer = detector(FRAME, box)
    assert (answer.status, answer.reason) == (Status.REJECTED, reason)
    assert answer.detail and answer.logit is answer.anomaly_score is answer.p_value is None


@pytest.mark.parametrize("box", [(5, 5, 6, 6), (0, 0, 3, 3), (-20, -20, 30, 30), (110, 0, 130, 100)])
def test_small_boxes_and_boxes_over_the_border_are_judged(detector: Detector, box: Box) -> None:
    assert np.isfinite(logit(detector(FRAME, box)))


def test_an_engine_that_fails_in_flight_costs_one_frame_and_not_the_loop(bundle: Path) -> None:
    detector = Detector.load(bundle)

    class FakeBrokenEngine:
        def run(self, window: object) -> None:
            raise RuntimeError("no memory")

    detector.engine = FakeBrokenEngine()  # type: ignore[assignment]
    answer = detector(np.zeros((300, 300, 3), np.uint8), (10, 10, 90, 90))
    assert (answer.status, answer.reason, answer.detail) == (Status.REJECTED, "inference_failed", "no memory")
