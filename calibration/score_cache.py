"""Scores on disk, one line each: a run that was stopped, even killed, goes on where it was."""

import hashlib
from pathlib import Path
from types import TracebackType

import msgspec

from calibration.journal import append, whole_lines
from onboard import provenance
from onboard.bundle import Bundle
from onboard.errors import InputError
from onboard.ort_options import INT8_SUMS


class Score(msgspec.Struct, frozen=True):
    """What the detector said.

    Attributes:
        key: see `key`.
        score: anomaly score; None where the frame was rejected.
        reason: of the rejection.
        frame_px: width and height of the frame.
    """

    key: str
    score: float | None
    reason: str | None
    frame_px: tuple[int, int]


def key(sha256: str, box: tuple[float, float, float, float], shift: str, grey: str) -> str:
    """All that a score depends on beside the graph: image, box, disturbance, what is done with grey images."""
    return hashlib.sha256(f"{sha256}\t{box}\t{shift}\t{grey}".encode()).hexdigest()[:32]


class ScoreCache:
    """The scores that one graph gave.

    Args:
        folder: is made where it is missing.
        bundle: whose graph; a new calibration of it changes no score.

    Raises:
        InputError: the file cannot be read.
    """

    def __init__(self, folder: Path, bundle: Bundle) -> None:
        manifest = bundle.manifest
        runtime = provenance.versions().get("onnxruntime", "")
        made_by = msgspec.json.encode([manifest.files[manifest.model], manifest.crop, runtime, INT8_SUMS])
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{folder}: scores cannot be kept there ({error.strerror}); give another --cache"
            ) from error
        self.path = folder / f"scores_{hashlib.sha256(made_by).hexdigest()[:12]}.jsonl"
        self._scores = self._read()
        self._file = self.path.open("ab", buffering=0)

    def __enter__(self) -> "ScoreCache":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def get(self, key: str) -> Score | None:
        return self._scores.get(key)

    def add(self, score: Score) -> None:
        self._scores[score.key] = score
        append(self._file, self.path, msgspec.json.encode(score) + b"\n")

    def _read(self) -> dict[str, Score]:
        try:
            data = self.path.read_bytes() if self.path.exists() else b""
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror})") from error
        lines = whole_lines(data)
        if data and not data.endswith(b"\n"):  # the process was killed while it wrote the last line
            with self.path.open("r+b") as file:
                file.truncate(sum(len(line) + 1 for line in lines))
        try:
            scores = [msgspec.json.decode(line, type=Score) for line in lines]
        except msgspec.DecodeError as error:
            raise InputError(f"{self.path}: damaged ({error}); remove it, and the scores are made anew") from error
        return {score.key: score for score in scores}
