"""The detector in flight: what it gives is looked at, and an engine that gives nonsense is replaced."""

import gc
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np

from onboard.detector import Detector
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.config import InvalidConfig
from onboard.image import Frame
from onboard.messages import Answer, Status
from onboard.normal_scores import Box

INVALID, UNAVAILABLE = "invalid_output", "unavailable"
_ILL = (INVALID, "inference_failed")


class Way(NamedTuple):
    """An engine by the name that events call it, and what loads it and its bundle from their files."""

    name: str
    load: Callable[[], Detector]


class Guard:
    """Judges frames with the first of several engines, and goes down the list where one cannot be mended.

    Args:
        ways: engines of one bundle, the preferred one first.
        config: how much nonsense is borne.
        events: told of everything that is done.
        outputs: names of those that have to be finite beside the logit; None: all.

    Attributes:
        bundle: the one that was loaded first; a reload from other files counts as failed.
        invalid: frames so far with an output that makes no sense, or none.

    Raises:
        InputError: the first engine cannot be loaded.
    """

    def __init__(
        self, ways: list[Way], config: InvalidConfig, events: Events, outputs: tuple[str, ...] | None = None
    ) -> None:
        self._ways, self._config, self._events, self._outputs = ways, config, events, outputs
        self._way = self._reloads = self._ill = self._healthy = self.invalid = 0
        self._detector: Detector | None = ways[0].load()
        self.bundle = self._detector.bundle

    @property
    def state(self) -> str:
        """The engine in use by its name, or `unavailable`."""
        return UNAVAILABLE if self._detector is None else self._ways[self._way].name

    @property
    def available(self) -> bool:
        return self._detector is not None

    def __call__(self, frame: Frame, box: Box) -> Answer:
        """As `Detector` does; with outputs that are not finite or out of range REJECTED(invalid_output)."""
        if self._detector is None:
            return Answer(Status.SKIPPED, UNAVAILABLE, "no engine can be trusted any more; see the events")
        answer = self._detector(frame, box)
        if (wrong := self._wrong(answer)) is not None:
            answer = msgspec.structs.replace(
                answer,
                status=Status.REJECTED,
                reason=INVALID,
                detail=wrong,
                logit=None,
                anomaly_score=None,
                p_value=None,
            )
        self._count(answer)
        return answer

    def mend(self) -> None:
        """Load an engine anew where too many frames in a row were invalid; to be called when the verdict has gone out.

        Takes as long as loading takes; frames that come meanwhile are the source's to account for.
        """
        if self._ill < self._config.in_a_row:
            return
        self._ill = self._healthy = 0
        while True:  # ends: reloads and engines are few
            if self._reloads < self._config.reloads:
                self._reloads += 1
                done, word = "engine_reloaded", f"reload {self._reloads} of {self._config.reloads}"
            elif self._way + 1 < len(self._ways):
                self._way, self._reloads = self._way + 1, 0
                done, word = "engine_handed_over", f"in place of {self._ways[self._way - 1].name}"
            else:
                self._drop()
                self._events.add(UNAVAILABLE, "no engine is left: every frame is SKIPPED(unavailable) until a restart")
                return
            if self._load(done, word):
                return

    def _load(self, done: str, word: str) -> bool:
        self._drop()  # first, for a GPU may not hold two
        way = self._ways[self._way]
        try:
            found = way.load()
            if found.bundle.sha256 != self.bundle.sha256:
                raise InputError(f"{found.bundle.folder}: another bundle lies there now; restart to fly it")
        except Exception as error:  # InputError, and whatever the libraries raise on a sick GPU
            self._events.add("reload_failed", f"{way.name}, {word}: {error}")
            return False
        self._detector = found
        gc.collect()
        gc.freeze()
        self._events.add(done, f"{way.name}, {word}: {self._config.in_a_row} invalid frames in a row")
        return True

    def _drop(self) -> None:
        close = getattr(self._detector and self._detector.engine, "close", None)
        self._detector = None
        try:
            if close is not None:
                close()
        except Exception as error:  # pycuda's errors have no common base class; the old engine is given up anyway
            self._events.add("reload_failed", f"closing {self._ways[self._way].name}: {error}")

    def _wrong(self, answer: Answer) -> str | None:
        if answer.reason == "logit_not_finite":
            return answer.detail
        if answer.logit is not None and not abs(answer.logit) <= self._config.logit_limit:
            return f"a logit of {answer.logit:g}; invalid.logit_limit is {self._config.logit_limit:g}"
        for name, values in answer.outputs.items():
            looked_at = self._outputs is None or name in self._outputs
            if looked_at and values.dtype.kind == "f" and not np.isfinite(values).all():
                return f"the output '{name}' holds a number that is not finite"
        return None

    def _count(self, answer: Answer) -> None:
        if answer.reason in _ILL:
            self.invalid += 1
            self._ill, self._healthy = self._ill + 1, 0
        elif answer.status is Status.ANSWERED:
            self._ill, self._healthy = 0, self._healthy + 1
            if self._healthy >= self._config.healthy_frames:
                self._reloads = 0
