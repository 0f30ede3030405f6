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
        self._config = config
        self.rate, self.confidence = config.false_alarm_rate, config.confidence
        sent = () if config.telemetry is None else config.telemetry.pose_outputs
        self._names = {"output.pose_outputs": config.output.pose_outputs or (), "telemetry.pose_outputs": sent}

    @property
    def told(self) -> bool:
        """Whether another rate than the configured one was asked for."""
        return (self.rate, self.confidence) != (self._config.false_alarm_rate, self._config.confidence)

    def as_configured(self) -> "RuleBook":
        """One for the configured rate."""
        return RuleBook(self._config)

    def of(self, bundle: Bundle) -> Rules:
        """The rules of a bundle.

        Raises:
            InputError: its calibration cannot support the rate, or it lacks an output that verdicts or telemetry
                are to carry.
        """
        frame = FrameRule.at(bundle, self.rate, self.confidence)
        track = TrackRule.at(bundle) if self._config.tracks else None
        self._check_names(bundle)
        return Rules(frame, track)

    def _check_names(self, bundle: Bundle) -> None:
        there = [spec.name for spec in bundle.manifest.outputs if spec.name != LOGIT]
        for key, names in self._names.items():
            for name in names:
                if name not in there:
                    raise InputError(
                        f"{key}: '{name}' is no output of the pose network in {bundle.folder}; "
                        f"it has {', '.join(there) or 'none: the bundle is not a fused one'}"
                    )
