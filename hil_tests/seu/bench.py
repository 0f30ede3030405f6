"""Judges flips in one bundle: live in the part of the graph behind them, or in the whole graph as flown."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from hil_tests.seu.frames import FrameChoice, Shot, known_answers, shots
from hil_tests.seu.graph import Graph
from hil_tests.seu.judge import LOGIT, Facts, Seen, facts, outcome, rule, see
from hil_tests.seu.plan import Flip
from hil_tests.seu.suffix import Suffix, session
from hil_tests.seu.telling import telling, told
from hil_tests.seu.words import flipped
from onboard.bundle import Bundle
from onboard.engine import Outputs
from onboard.errors import InputError
from onboard.runtime_ort import OrtEngine


class Bench:
    """One bundle, its frames and its known answers.

    Args:
        bundle: checked.
        choice: of frames.
        rate: of the alarm decision; None: the bundle's.
        bits: neighbouring bits of each flip.

    Attributes:
        graph: the bundle's.
        shots: frames, then known answers.
        answers: how many known answers.

    Raises:
        InputError: bundle or frames cannot be used.
    """

    def __init__(self, bundle: Bundle, choice: FrameChoice, rate: float | None, bits: int) -> None:
        self.bundle, self.graph, self._bits = bundle, Graph(bundle), bits
        self._rule = rule(bundle, rate)
        known = known_answers(bundle)
        self.shots, self.answers = [*shots(bundle, choice), *known], len(known)
        self._telling = None if bundle.manifest.bounds is None else Graph(telling(bundle))
        engine = OrtEngine(bundle)
        self._outputs: list[Outputs] = [engine.run(shot.window) for shot in self.shots]
        self._whole = self._seen(self._outputs)

    @property
    def alarms(self) -> int:
        """Frames that are called debris without a flip."""
        return sum(seen.alarm is True for seen in self._whole[: len(self.shots) - self.answers])

    def clamped(self) -> int | None:
        """Frames on which, without a flip, something outside its limits comes to a clamp; None: there are no clamps."""
        if self._telling is None:
            return None
        whole = session(self._telling.model.SerializeToString(), optimise=True)
        names = [output.name for output in whole.get_outputs()]
        return sum(bool(told(dict(zip(names, whole.run(names, shot.feed()), strict=True)))) for shot in self._frames)

    def live(self, tensor: str, flips: Sequence[Flip]) -> list[Facts]:
        """Flips of one tensor, one window after the other: a window's prefix is computed once for all of them.

        They are held against the cut graph's own results without a flip, which may round otherwise than the whole's.
        """
        suffix, values = Suffix(self.graph, tensor), self.graph.array(tensor)
        before: list[Seen] = []
        after: list[list[Seen]] = [[] for _ in flips]
        for shot, outputs in zip(self.shots, self._outputs, strict=True):
            judge = self._judge(suffix, shot, outputs, values)
            before.append(judge())
            for flip, seen in zip(flips, after, strict=True):
                with flipped(values, flip.index, flip.bit, self._bits):
                    seen.append(judge())
        found = [facts(before, seen, self.answers) for seen in after]
        return found if self._telling is None else self._with_clamps(self._telling, tensor, flips, found)

    def flown(self, flip: Flip) -> Facts:
        """A flip in the model file, loaded and optimised as the node does.

        ONNX Runtime looks at constants as it loads, and refuses some: then no frame has an answer.
        """
        values = self.graph.array(flip.target.tensor)
        with flipped(values, flip.index, flip.bit, self._bits):
            model = self.graph.with_value(flip.target.tensor, values)
        contents = {**self.bundle.contents, self.bundle.manifest.model: model}
        try:
            outputs = self._run(OrtEngine(dataclasses.replace(self.bundle, contents=contents)))
        except InputError:
            outputs = [_nothing() for _ in self.shots]
        return facts(self._whole, self._seen(outputs), self.answers)

    @property
    def _frames(self) -> list[Shot]:
        return self.shots[: len(self.shots) - self.answers]

    def _with_clamps(self, graph: Graph, tensor: str, flips: Sequence[Flip], found: Sequence[Facts]) -> list[Facts]:
        """Whether clamps would have told of those that do harm."""
        clamped = [None if outcome(each, known_answers=False) == "masked" else 0 for each in found]
        if any(count is not None for count in clamped):
            suffix, values = Suffix(graph, tensor), graph.array(tensor)
            for shot in self._frames:
                boundary = suffix.cut(shot.feed())
                usual = told(suffix.run(boundary, values))
                for place, flip in enumerate(flips):
                    if (count := clamped[place]) is not None:
                        with flipped(values, flip.index, flip.bit, self._bits):
                            outputs = _ran(lambda: suffix.run(boundary, values))  # noqa: B023 - called here and now
                        clamped[place] = count + bool(told(outputs) - usual)
        return [msgspec.structs.replace(each, clamped=n) for each, n in zip(found, clamped, strict=True)]

    def _run(self, engine: OrtEngine) -> list[Outputs]:
        return [_ran(functools.partial(engine.run, shot.window)) for shot in self.shots]

    def _seen(self, outputs: Sequence[Outputs]) -> list[Seen]:
        return [see(each, self._rule, shot.box) for shot, each in zip(self.shots, outputs, strict=True)]

    def _judge(
        self, suffix: Suffix, shot: Shot, outputs: Outputs, values: npt.NDArray[np.generic]
    ) -> Callable[[], Seen]:
        boundary = suffix.cut(shot.feed())
        return lambda: see({**outputs, **_ran(lambda: suffix.run(boundary, values))}, self._rule, shot.box)


def _ran(run: Callable[[], Outputs]) -> Outputs:
    """The outputs; NaN where the runtime fails, as with a flip in a size, for the node rejects both alike."""
    try:
        return run()
    except Exception:  # ONNX Runtime's exceptions have no common base class
        return _nothing()


def _nothing() -> Outputs:
    return {LOGIT: np.array([[np.nan]], np.float32)}
