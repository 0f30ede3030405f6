"""What a bundle brings into flight beside its graph: its frame rule and its track rule."""

from typing import NamedTuple

from onboard.bundle import Bundle
from onboard.detector import LOGIT
from onboard.errors import InputError
from onboard.fly.config import NodeConfig
from onboard.normal_scores import FrameRule
from onboard.track import TrackRule


class Rules(NamedTuple):
    """Of one bundle; None where it has no calibration of the kind."""

    frame: FrameRule | None
    track: TrackRule | None


class RuleBook:
    """Makes the rules of any bundle that is to fly, at the rate that was asked for last.

    Args:
        config: the node's.

    Attributes:
        rate, confidence: as in `FrameRule.at`.
    """

    def __init__(self, config: NodeConfig) -> None:
        self.rate, self.confidence = config.false_alarm_rate, config.confidence
        self._tracks, self._names = config.tracks, config.output.pose_outputs

    def of(self, bundle: Bundle) -> Rules:
        """The rules of a bundle.

        Raises:
            InputError: its calibration cannot support the rate, or it lacks an output that verdicts are to carry.
        """
        frame = FrameRule.at(bundle, self.rate, self.confidence)
        track = TrackRule.at(bundle) if self._tracks else None
        self._check_names(bundle)
        return Rules(frame, track)

    def _check_names(self, bundle: Bundle) -> None:
        there = [spec.name for spec in bundle.manifest.outputs if spec.name != LOGIT]
        for name in self._names or ():
            if name not in there:
                raise InputError(
                    f"output.pose_outputs: '{name}' is no output of the pose network in {bundle.folder}; "
                    f"it has {', '.join(there) or 'none: the bundle is not a fused one'}"
                )
