"""The detector as a library call: frame and box in, answer out."""

import math
import reprlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from onboard import bundle as bundles
from onboard import engine as engines
from onboard import image
from onboard.bundle import Bundle
from onboard.engine import Engine, Outputs
from onboard.errors import InputError, unforeseen
from onboard.image import Frame
from onboard.manifest import KnownAnswer
from onboard.messages import Answer, Status
from onboard.normal_scores import Box, NormalScores
from onboard.signing import PublicKey
from onboard.window import BoxError, Window, buffers, cut

LOGIT = "debris_logit"
CUT_FAILED = "window_failed"
"""The reason of an answer where cutting the window went wrong."""


class Detector:
    """Tells satellites from debris; for one thread at a time.

        detector = Detector.load("runs/demo/bundle")
        answer = detector(frame, (x_min, y_min, x_max, y_max))
        answer.status, answer.logit, answer.anomaly_score, answer.p_value

    Args:
        bundle: checked.
        engine: runs its graph.

    Attributes:
        bundle, engine: as given.
        first_answers: all that the engine gave for each known-answer window when they were checked.

    Raises:
        InputError: the engine does not give the known answers.
    """

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        self.bundle = bundle
        self.engine = engine
        self._spec = bundle.manifest.crop
        self._windows, self._other_windows = buffers(self._spec), buffers(self._spec)
        self._normal_scores = NormalScores.of(bundle)
        self.first_answers = self.check_known_answers()

    @classmethod
    def load(
        cls,
        folder: str | Path,
        threads: int = 1,
        engine: str | Path | None = None,
        key: PublicKey | None = None,
    ) -> "Detector":
        """Load a bundle and what runs it, check its hashes and its known answers.

        Args:
            folder: the bundle.
            threads: that ONNX Runtime may use; 0 for all cores.
            engine: folder of a TensorRT engine that was built from the bundle; None for ONNX Runtime.
            key: whose owner must have signed bundle and engine; None: signatures are not looked at.

        Raises:
            InputError: the bundle is missing, altered, or does not give its known answers on this machine; the engine
                is another bundle's, GPU's or TensorRT's; one of the two is not signed by the key's owner.
        """
        bundle = bundles.read(Path(folder), key)
        return cls(bundle, engines.load(bundle, threads, None if engine is None else Path(engine)))

    @property
    def calibration_frames(self) -> int:
        """How many held-out normal frames the p-values rest on, those of all sizes together."""
        return 0 if self._normal_scores is None else self._normal_scores.frames

    def __call__(
        self,
        frame: Frame,
        box: tuple[float, float, float, float],
        window: Window | None = None,
        when_cut: Callable[[], None] | None = None,
    ) -> Answer:
        """Judge what the box shows.

        Args:
            frame: uint8 RGB [H, W, 3]; of any size, unless the bundle's network sees whole frames: then of the
                manifest's `crop.frame_px`.
            box: x_min, y_min, x_max, y_max in frame pixels (edges).
            window: by `prepare`, of this frame and box; None: it is cut here.
            when_cut: called before the engine, where the frame's pixels are not needed any more: not of whole frames.

        Returns:
            An answer; REJECTED with a reason where frame or box allow none. Does not raise for bad input.
        """
        if (wrong := _wrong_frame(frame)) is not None:
            return Answer(Status.REJECTED, "frame_unusable", wrong)
        if (numbers := _four_numbers(box)) is None:
            wanted = "four numbers x_min, y_min, x_max, y_max are needed"
            return Answer(Status.REJECTED, "box_unusable", f"box {reprlib.repr(box)}: {wanted}")
        start = time.perf_counter_ns()
        try:
            if window is None:
                window = cut(frame, numbers, self._spec, self._windows)
        except BoxError as error:
            return Answer(Status.REJECTED, error.reason, str(error))
        except Exception as error:  # a fault of the node: one frame is lost, not the flight
            return Answer(Status.REJECTED, CUT_FAILED, unforeseen(error), fault=True)
        cut_at = time.perf_counter_ns()
        if when_cut is not None and not self._spec.whole:
            when_cut()
        begun_at = time.perf_counter_ns()
        try:
            outputs = dict(self.engine.run(window))
            logit = float(outputs.pop(LOGIT).item(0))
        except Exception as error:  # the libraries' exceptions have no common base class; the loop must go on
            return Answer(Status.REJECTED, "inference_failed", str(error), window_ns=cut_at - start)
        done = time.perf_counter_ns()
        times = cut_at - start, done - begun_at
        if not math.isfinite(logit):
            wrong = f"the graph gave a logit of {logit}"
            return Answer(Status.REJECTED, "logit_not_finite", wrong, None, None, None, *times, outputs)
        try:
            p_value = self._p_value(-logit, numbers)
        except Exception as error:  # a fault of the node: the pose must not go with it
            return Answer(
                Status.REJECTED, "invalid_output", unforeseen(error), None, None, None, *times, outputs, fault=True
            )
        return Answer(Status.ANSWERED, None, None, logit, -logit, p_value, *times, outputs)

    def prepare(self, frame: Frame, box: Box) -> Window | None:
        """Cut a window beside the engine, which may be at work on the window before it.

        Returns:
            What a call with the same frame and box takes, valid until the next but one is cut; None where nothing is
            cut, or the call will say why it cannot be.
        """
        if self._spec.whole or _wrong_frame(frame) is not None:
            return None
        self._windows, self._other_windows = self._other_windows, self._windows
        try:
            return cut(frame, box, self._spec, self._windows)
        except Exception:  # the call meets it again, and says why
            return None

    def check_known_answers(self) -> list[Outputs]:
        """Run the known-answer windows; gives all outputs for each.

        Raises:
            InputError: a logit differs from the training side's by more than the engine's tolerance.
        """
        manifest = self.bundle.manifest
        answers: list[Outputs] = []
        for known, window in self.known_windows():
            name = self.bundle.folder / known.window
            try:
                answers.append(self.engine.run(window))
                found = float(answers[-1][LOGIT].reshape(-1)[0])
            except Exception as error:  # the libraries' exceptions have no common base class
                raise InputError(
                    f"{self.bundle.folder / manifest.model}: {self.engine.name} cannot run the graph on "
                    f"{known.window}: {error}"
                ) from error
            tolerance = self.engine.tolerance(known.logit)
            if not abs(found - known.logit) <= tolerance:  # also true of NaN
                raise InputError(
                    f"{name}: known answer {known.logit:.6f}, but this machine gives {found:.6f} with "
                    f"{self.engine.name} (tolerance {tolerance:g}); do not fly this bundle here: {self.engine.remedy}"
                )
        return answers

    def known_windows(self) -> Iterator[tuple[KnownAnswer, Window]]:
        """The known answers and what is shown for each.

        Raises:
            InputError: a file is no image.
        """
        for known in self.bundle.manifest.known_answers:
            pixels = image.decode(self.bundle.contents[known.window], str(self.bundle.folder / known.window))
            yield known, Window(pixels, np.array(known.region, np.float32))

    def _p_value(self, score: float, box: Box) -> float | None:
        return None if self._normal_scores is None else self._normal_scores.p_value(score, box)


def _wrong_frame(frame: Any) -> str | None:
    if not isinstance(frame, np.ndarray):
        return f"the frame is a {type(frame).__name__}, a NumPy array is needed"
    if frame.dtype != np.uint8:
        return f"the frame is {frame.dtype}, uint8 is needed"
    if frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        return f"the frame has shape {list(frame.shape)}, RGB [H, W, 3] is needed"
    return None


def _four_numbers(box: Any) -> tuple[float, float, float, float] | None:
    if isinstance(box, (str, bytes)):
        return None
    try:
        x_min, y_min, x_max, y_max = box
        return float(x_min), float(y_min), float(x_max), float(y_max)
    except (TypeError, ValueError, OverflowError):
        return None
