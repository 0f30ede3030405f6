"""The page at the end of a run: counts by status, latency."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from onboard import files
from onboard.messages import Status, Verdict


class Summary:
    """Counts and latencies of the verdicts added to it.

    Args:
        bundle: SHA-256 of the bundle that judged.
        calibrated: whether it has p-values, without which nothing is called debris.

    Attributes:
        complete: whether the run came to its end.
    """

    def __init__(self, bundle: str, calibrated: bool = True) -> None:
        self.bundle, self.calibrated = bundle, calibrated
        self.complete = False
        self.statuses: Counter[str] = Counter()
        self.debris = 0
        self._stages: dict[str, list[int]] = {"read": [], "window": [], "infer": [], "total": []}
        self._inside: dict[str, list[int]] = {}

    def add(self, verdict: Verdict, engine_ms: Mapping[str, float] | None = None) -> None:
        """Count a verdict.

        Args:
            verdict: of the next frame.
            engine_ms: what its window took inside the engine, by stage.
        """
        reason = f" ({verdict.reason})" if verdict.reason else ""
        self.statuses[f"{verdict.status.value}{reason}"] += 1
        self.debris += bool(verdict.is_debris)
        if verdict.status is Status.ANSWERED:
            for stage, values in self._stages.items():
                values.append(getattr(verdict.stage_ns, stage))
            for stage, spent in (engine_ms or {}).items():
                self._inside.setdefault(stage, []).append(round(spent * 1e6))

    def latency_ms(self) -> dict[str, dict[str, float]]:
        """p50, p99 and maximum of each stage over the answered frames, in milliseconds.

        After the total come the stages inside the engine, all of them a part of `infer`, where it tells them.
        """
        return {
            stage: {
                "p50": float(np.percentile(values, 50)) / 1e6,
                "p99": float(np.percentile(values, 99)) / 1e6,
                "max": max(values) / 1e6,
            }
            for stage, values in (self._stages | self._inside).items()
            if values
        }

    def as_dict(self) -> dict[str, Any]:
        return {
            "bundle": self.bundle,
            "frames": self.statuses.total(),
            "statuses": dict(sorted(self.statuses.items())),
            "called_debris": self.debris if self.calibrated else None,
            "complete": self.complete,
            "latency_ms": self.latency_ms(),
        }

    def write(self, path: Path) -> None:
        files.write_bytes(path, msgspec.json.format(msgspec.json.encode(self.as_dict())) + b"\n")

    def text(self) -> str:
        """The page for a terminal."""
        lines = [f"{self.statuses.total()} frames, bundle {self.bundle[:12]}"]
        lines += [f"  {count:6d}  {status}" for status, count in sorted(self.statuses.items())]
        lines += [f"  {self.debris:6d}  called debris" if self.calibrated else "  none called debris: no calibration"]
        latency = self.latency_ms()
        if latency:
            lines += ["latency, ms       p50      p99      max"]
            lines += [
                f"  {stage:<10}{values['p50']:9.3f}{values['p99']:9.3f}{values['max']:9.3f}"
                for stage, values in latency.items()
            ]
        return "\n".join(lines)
