"""The answers of one loaded engine to its bundle's known windows: its memory is whole while they stay bit for bit."""

from typing import NamedTuple, TypeAlias

from onboard.detector import LOGIT, Detector
from onboard.engine import Outputs

_Bits: TypeAlias = dict[str, bytes]


class Wrong(NamedTuple):
    """A wrong answer in words, and whether all outputs but the debris logit are right to the bit."""

    said: str
    logit_alone: bool


class KnownAnswers:
    """Asks an engine again what it has answered when it was loaded.

    Args:
        detector: fresh; its known answers have been checked against the manifest's, and are held against a second run.

    Attributes:
        repeatable: whether the engine gives the same bits twice; where not, only its logit is compared, by the
            engine's tolerance.
        asked: how often it was asked.
    """

    def __init__(self, detector: Detector) -> None:
        self._engine = detector.engine
        self._windows = [(known.window, window) for known, window in detector.known_windows()]
        self._recorded = [self._engine.run(window) for _, window in self._windows]
        self.repeatable = [_bits(each) for each in detector.first_answers] == [_bits(each) for each in self._recorded]
        self._recorded_bits = [_bits(each) for each in self._recorded]
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
            wrong = [] if abs(_logit(found) - before) <= self._engine.tolerance(before) else [LOGIT]
        if not wrong:
            return None
        before = _logit(self._recorded[turn])
        said = f"{name}: {', '.join(wrong)} differ; the logit is {_logit(found):.9g}, at load it was {before:.9g}"
        return Wrong(said, self.repeatable and wrong == [LOGIT])


def _bits(outputs: Outputs) -> _Bits:
    return {name: values.tobytes() for name, values in outputs.items()}


def _logit(outputs: Outputs) -> float:
    return float(outputs[LOGIT].reshape(-1)[0])
