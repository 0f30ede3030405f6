"""A replay from end to end: every frame of the folder gets exactly one verdict."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from onboard import files, image, provenance, strict_yaml
from onboard.annotate import annotate
from onboard.calibration import other_frame_size
from onboard.config import FlightConfig
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.hold import held
from onboard.image import Frame
from onboard.messages import Answer, StageTimes, Status, Verdict
from onboard.normal_scores import FrameRule
from onboard.replay import Box, Item, items
from onboard.stopping import asked_to_stop
from onboard.summary import Summary
from onboard.verdict import verdict_on

VERDICTS, SUMMARY, ANNOTATED, RECORD = "verdicts.jsonl", "summary.json", "annotated", "run.yaml"


@dataclass(frozen=True)
class Judged:
    """A verdict, and the frame that it is about (None: it could not be read)."""

    verdict: Verdict
    frame: Frame | None


def run(config: FlightConfig, overwrite: bool = False) -> Summary:
    """Replay the source through the detector; write verdicts, summary, what made them, and annotated frames on request.

    Verdicts are written as they are made, so an interrupted run keeps those that it has.

    Raises:
        KeyboardInterrupt: SIGTERM or SIGINT came; verdicts and summary hold the frames until then.
        InputError: the bundle, the source or the output folder cannot be used.
    """
    detector = Detector.load(config.bundle, config.runtime.threads, config.runtime.engine, config.signature.key())
    rule = FrameRule.at(detector.bundle, config.false_alarm_rate, config.confidence)
    frames = items(config.source)
    folder = Path(config.output.folder)
    path = folder / VERDICTS
    if path.exists() and not overwrite:
        raise _taken(path)
    if folder.resolve().is_relative_to(Path(config.source.folder).resolve()):
        raise InputError(f"{folder}: lies in the folder of frames, which would replay it; give another output folder")
    summary = Summary(bundle=detector.bundle.sha256, calibrated=detector.calibration_frames > 0)
    try:
        with asked_to_stop() as stop, held(folder, "output.folder"), _opened(path, overwrite) as out:
            files.write_text(folder / RECORD, _record(config, detector, rule))
            try:
                for judged in judge(frames, detector, config, rule):
                    out.write(msgspec.json.encode(judged.verdict) + b"\n")
                    out.flush()  # whatever ends the process, the verdicts so far are in the file
                    summary.add(judged.verdict, detector.engine.times_ms())
                    if config.output.annotated and judged.frame is not None:
                        image.write(annotated_path(folder, judged.verdict), annotate(judged.frame, judged.verdict))
                    if stop.is_set():
                        raise KeyboardInterrupt
                summary.complete = True
            finally:
                summary.write(folder / SUMMARY)
    except OSError as error:
        place = error.filename2 or error.filename or folder
        raise InputError(f"{place}: cannot be written ({error.strerror}); give another output folder") from error
    return summary


def _opened(path: Path, overwrite: bool) -> BinaryIO:
    """The empty verdict file."""
    try:
        return path.open("wb" if overwrite else "xb")
    except FileExistsError as error:  # since it was looked for
        raise _taken(path) from error


def _taken(path: Path) -> InputError:
    return InputError(f"{path}: already there; give another output folder, or --overwrite to replace it")


def annotated_path(folder: Path, verdict: Verdict) -> Path:
    """Where the picture of a frame is; the frame's own ending stays in its name, for two frames may share a stem."""
    return folder / ANNOTATED / f"{verdict.frame}.png"


def _record(config: FlightConfig, detector: Detector, rule: FrameRule | None) -> str:
    """What the verdicts came from: the resolved configuration, the bundle, what ran it, versions and code."""
    made = provenance.record(
        detector.bundle.manifest.training.get("seed", 0),
        bundle_sha256=detector.bundle.sha256,
        engine=detector.engine.about(),
    )
    decision = None
    if rule is not None:  # a null in the configuration leaves it to the bundle
        decision = {"false_alarm_rate": rule.rate, "confidence": rule.confidence, "p_value_at_most": list(rule.limits)}
    return strict_yaml.dump({"config": msgspec.to_builtins(config), "decision": decision, "provenance": made})


def judge(frames: list[Item], detector: Detector, config: FlightConfig, rule: FrameRule | None) -> Iterator[Judged]:
    """One verdict a frame, in order; without a rule nothing is called debris, nor not debris."""
    run_name = uuid.uuid4().hex
    for frame_id, item in enumerate(frames):
        start = time.perf_counter_ns()
        frame, answer = _read(item, config)
        read_at = time.perf_counter_ns()
        if answer is None and frame is not None and item.box is not None:
            answer = _answer(detector, item.path, frame, item.box)
        if answer is None:
            raise AssertionError("a frame that was read and has a box has an answer")
        times = StageTimes(read_at - start, answer.window_ns, answer.infer_ns, time.perf_counter_ns() - start)
        source = None if item.box is None else "sidecar"
        key = (run_name, frame_id, item.name)
        yield Judged(verdict_on(key, item.box, source, answer, rule, times, detector.bundle.sha256), frame)


def _answer(detector: Detector, path: Path, frame: Frame, box: Box) -> Answer:
    height, width = frame.shape[:2]
    if (other := other_frame_size(detector.bundle.manifest.calibration, width, height)) is not None:
        return Answer(Status.REJECTED, "frame_wrong_size", f"{path}: {other}")
    return detector(frame, box)


def _read(item: Item, config: FlightConfig) -> tuple[Frame | None, Answer | None]:
    """The frame, or the answer that rejects it."""
    if item.box is None:
        return None, Answer(Status.REJECTED, "no_box", "the boxes' file has no row for this frame")
    try:
        frame = image.read(item.path, config.source.grey)
    except InputError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None, Answer(Status.REJECTED, "frame_missing", f"{item.path}: named in the boxes' file, not there")
        return None, Answer(Status.REJECTED, "frame_unusable", str(error))
    wanted, found = config.source.frame_size_px, (frame.shape[1], frame.shape[0])
    if wanted is not None and found != tuple(wanted):
        detail = f"{item.path}: {found[0]} x {found[1]} px, source.frame_size_px says {wanted[0]} x {wanted[1]}"
        return frame, Answer(Status.REJECTED, "frame_wrong_size", detail)
    return frame, None
