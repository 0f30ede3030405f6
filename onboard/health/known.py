"""The answers of one loaded engine to its bundle's known windows: its memory is whole while they stay bit for bit."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from onboard.detector import LOGIT, Detector
from onboard.engine import Outputs

_Bits: TypeAlias = dict[str, bytes]


_SPREADS = 4  # two runs show some of what an engine's outputs vary by, not all of it


class Wrong(NamedTuple):
    """A wrong answer in words, and whether all outputs but the debris logit are right: to the bit, where the engine
    gives the same bits twice, and else by tolerance."""

    said: str
    logit_alone: bool


class KnownAnswers:
    """Asks an engine again what it has answered when it was loaded.

    Args:
        detector: fresh; its known answers have been checked against the manifest's, and are held against a second run.

    Attributes:
        repeatable: whether the engine gives the same bits twice; where not, only its logit says that it is wrong, by
            the engine's tolerance. The other outputs then say whether they are wrong as well: by the same tolerance,
            or four times what they differed by at load, where that is more.
        asked: how often it was asked.
    """

    def __init__(self, detector: Detector) -> None:
        self._engine = detector.engine
        self._windows = [(known.window, window) for known, window in detector.known_windows()]
        self._recorded = [self._engine.run(window) for _, window in self._windows]
        self.repeatable = [_bits(each) for each in detector.first_answers] == [_bits(each) for each in self._recorded]
        self._recorded_bits = [_bits(each) for each in self._recorded]
        self._first = detector.first_answers
        self.asked = 0

    def ask(self) -> Wrong | None:
        """Run the next window, one inference; gives what is wrong, or None. Does not raise."""
        turn = self.asked % len(self._windows)
        self.asked += 1
        name, window = self._windows[turn]
        try:
            found = self._engine.run(window)
        except Exception as error:  # the libraries' exceptions have no common base class
            return Wrong(f"{name}: the engine fails: {error}", False)
        if self.repeatable:
            wrong = [key for key, bits in _bits(found).items() if bits != self._recorded_bits[turn][key]]
        else:
            before = _logit(self._recorded[turn])
            right = abs(_logit(found) - before) <= self._engine.tolerance(before)
            wrong = [] if right else [LOGIT, *self._others_wrong(turn, found)]
        if not wrong:
            return None
        before = _logit(self._recorded[turn])
        said = f"{name}: {', '.join(wrong)} differ; the logit is {_logit(found):.9g}, at load it was {before:.9g}"
        return Wrong(said, wrong == [LOGIT])

    def _others_wrong(self, turn: int, found: Outputs) -> list[str]:
        """Outputs beside the logit that differ from those at load by more than an engine that varies may."""
        wrong = []
        for name, now in found.items():
            before, first = self._recorded[turn][name], self._first[turn][name]
            if not now.shape == before.shape == first.shape:
                wrong.append(name)
                continue
            most = max(self._engine.tolerance(_largest(before)), _SPREADS * _largest(_apart(first, before)))
            if name != LOGIT and not _largest(_apart(now, before)) <= most:  # also true of NaN
                wrong.append(name)
        return wrong


def _bits(outputs: Outputs) -> _Bits:
    return {name: values.tobytes() for name, values in outputs.items()}


def _apart(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return one.astype(np.float64) - other.astype(np.float64)


def _largest(values: npt.NDArray[Any]) -> float:
    return float(np.abs(values).max(initial=0.0))


def _logit(outputs: Outputs) -> float:
    return float(outputs[LOGIT].reshape(-1)[0])
