"""Whether what a graph gave can be believed, and how often it could not."""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from onboard.fly.config import InvalidConfig
from onboard.messages import Answer, Status

INVALID = "invalid_output"
_ILL = (INVALID, "inference_failed")


class OutputSanity:
    """Looks at answers.

    Args:
        config: the limits.
        outputs: names of those that have to be finite beside the logit; None: all.

    Attributes:
        invalid: answers so far with an output that makes no sense, or none.
        pose_is_sound: whether the last of these had outputs of a pose network that verdicts carry, all of them finite.
    """

    def __init__(self, config: InvalidConfig, outputs: tuple[str, ...] | None) -> None:
        self._config, self._outputs = config, outputs
        self._ill = self._healthy = self.invalid = 0
        self.pose_is_sound = False

    @property
    def ill(self) -> bool:
        """Whether so many answers in a row were invalid that the engine cannot be trusted."""
        return self._ill >= self._config.in_a_row

    @property
    def healthy(self) -> bool:
        """Whether so many frames were answered, without an invalid one, that what was is forgotten."""
        return self._healthy >= self._config.healthy_frames

    def start_over(self) -> None:
        """Another engine answers."""
        self._ill = self._healthy = 0

    def checked(self, answer: Answer) -> Answer:
        """The answer, or REJECTED(invalid_output) without its numbers."""
        wrong = self._wrong(answer)
        return answer if wrong is None else without_verdict(answer, INVALID, wrong)

    def count(self, answer: Answer) -> None:
        """Remember an answer that was checked."""
        if answer.reason in _ILL:
            self.invalid += 1
            self._ill, self._healthy = self._ill + 1, 0
            self.pose_is_sound = self._is_sound(answer)
        elif answer.status is Status.ANSWERED:
            self._ill, self._healthy = 0, self._healthy + 1

    def _is_sound(self, answer: Answer) -> bool:
        carried = [values for name, values in answer.outputs.items() if self._outputs is None or name in self._outputs]
        return bool(carried) and all(_finite(values) for values in carried)

    def _wrong(self, answer: Answer) -> str | None:
        if answer.reason == "logit_not_finite":
            return answer.detail
        if answer.logit is not None and not abs(answer.logit) <= self._config.logit_limit:
            return f"a logit of {answer.logit:g}; invalid.logit_limit is {self._config.logit_limit:g}"
        for name, values in answer.outputs.items():
            looked_at = self._outputs is None or name in self._outputs
            if looked_at and not _finite(values):
                return f"the output '{name}' holds a number that is not finite"
        return None


def _finite(values: npt.NDArray[Any]) -> bool:
    """Whether all of an output's numbers are finite; true of whole numbers."""
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())


def without_verdict(answer: Answer, reason: str, detail: str) -> Answer:
    """REJECTED, without the debris side's numbers; outputs and times stay."""
    nothing = {"logit": None, "anomaly_score": None, "p_value": None}
    return msgspec.structs.replace(answer, status=Status.REJECTED, reason=reason, detail=detail, **nothing)
