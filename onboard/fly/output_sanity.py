"""Whether what a graph gave can be believed."""

import msgspec
import numpy as np

from onboard.fly.config import InvalidConfig
from onboard.messages import Answer, Status

INVALID = "invalid_output"
ILL = (INVALID, "inference_failed")


class OutputSanity:
    """Looks at answers.

    Args:
        config: the limits.
        outputs: names of those that have to be finite beside the logit; None: all.
    """

    def __init__(self, config: InvalidConfig, outputs: tuple[str, ...] | None) -> None:
        self._config, self._outputs = config, outputs

    def checked(self, answer: Answer) -> Answer:
        """The answer, or REJECTED(invalid_output) without its numbers."""
        if (wrong := self._wrong(answer)) is None:
            return answer
        nothing = {"logit": None, "anomaly_score": None, "p_value": None}
        return msgspec.structs.replace(answer, status=Status.REJECTED, reason=INVALID, detail=wrong, **nothing)

    def pose_is_sound(self, answer: Answer) -> bool:
        """Whether it has outputs of a pose network that verdicts carry, and all of them are finite."""
        carried = [values for name, values in answer.outputs.items() if self._outputs is None or name in self._outputs]
        return bool(carried) and all(values.dtype.kind != "f" or np.isfinite(values).all() for values in carried)

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
