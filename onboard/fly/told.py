"""What a command asks of the bundle in flight: another one, the one before, another false-alarm rate."""

from dataclasses import replace
from pathlib import Path

from onboard.errors import InputError
from onboard.fly.ladder import Step
from onboard.fly.loading import Done
from onboard.fly.seat import Seat
from onboard.fly.shift import Shift
from onboard.health.choice import Choice
from onboard.normal_scores import FrameRule


class Told:
    """Carries out commands. What has to be loaded for one is loaded beside the loop, and put in by `Guard.tend`.

    Args:
        seat: of what flies.
        shift: loads it.
    """

    def __init__(self, seat: Seat, shift: Shift) -> None:
        self._seat, self._shift = seat, shift

    def change(self, folder: str, engine: str | None = None, done: Done | None = None) -> None:
        """Load another bundle beside the one that flies.

        Args:
            folder: the bundle.
            engine: folder of a TensorRT engine that was built from it; None: ONNX Runtime.
            done: called once, by `tend`: with None where the bundle flies now, and else with the error; then the one
                before flies on.

        Raises:
            InputError: something is being loaded already.
        """
        choice = Choice(str(Path(folder).absolute()), None if engine is None else str(Path(engine).absolute()))
        self._shift.ask(Step(choice, 0, "bundle_changed", "as told"), done)

    def roll_back(self, done: Done | None = None) -> None:
        """Fly the bundle again that flew before this one; as `change` does.

        Raises:
            InputError: none did, or something is being loaded already.
        """
        if (earlier := self._seat.chosen.earlier) is None:
            folder = self._seat.flown.bundle.folder
            raise InputError(f"{folder}: no bundle flew before it; load one by its folder")
        self._shift.ask(Step(earlier, 0, "bundle_rolled_back", "as told"), done)

    def set_rate(self, rate: float, confidence: float | None) -> FrameRule:
        """Call boxes debris at another false-alarm rate from now on, also with bundles that fly later.

        Raises:
            InputError: the bundle's calibration cannot support it, or there is none; a bundle is being loaded.
        """
        rules = self._shift.rules_at(rate, confidence, self._seat.flown)
        assert rules.frame is not None
        self._seat.flown = replace(self._seat.flown, rules=rules)
        return rules.frame
