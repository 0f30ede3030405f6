"""All that was measured, and its figures by the names that limits use."""

from dataclasses import dataclass, field
from typing import Any

from hil_tests.bench.figures import Figures
from hil_tests.latency.engine_alone import EngineTimes
from hil_tests.latency.frames import NODE_STAGES, NodeTimes
from hil_tests.latency.same_engine import Same
from hil_tests.latency.statistics import statistics
from hil_tests.latency.trtexec import Trtexec

ENGINE_CONDITIONS = ("warm", "paced", "loaded", "cold")
NODE_CONDITIONS = ("warm", "loaded", "cold")


@dataclass
class Measured:
    """Attributes:
    environment: where and with what, in words.
    board: what does not change while it is measured.
    states: of the board by condition, before and after.
    engine_name, engine_about: what ran; empty where it flies elsewhere.
    engine: the engine alone, by condition and window size.
    node: the node and end to end, by condition.
    page_cache: what was done before cold starts, in words; several where it was not always the same.
    left_out: what was not measured, and why.
    trtexec, same: the report beside it, and whether it is of this engine.
    """

    environment: dict[str, Any]
    board: dict[str, str]
    states: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    engine_name: str = ""
    engine_about: dict[str, Any] = field(default_factory=dict)
    engine: dict[str, dict[str, EngineTimes]] = field(default_factory=dict)
    node: dict[str, NodeTimes] = field(default_factory=dict)
    page_cache: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    trtexec: Trtexec | None = None
    same: Same | None = None

    @property
    def comparable(self) -> bool:
        """Whether trtexec's times may be taken from those here."""
        return self.same is not None and not self.same.differs

    def distributions(self) -> dict[str, list[float]]:
        """Milliseconds by the figure's name without its last part."""
        found: dict[str, list[float]] = {}
        for condition in ENGINE_CONDITIONS:
            for size, times in self.engine.get(condition, {}).items():
                found[f"engine_ms.{condition}.{size}"] = times.calls
        for condition in NODE_CONDITIONS:
            if condition in self.node:
                for stage in NODE_STAGES:
                    found[f"node_ms.{condition}.{stage}"] = self.node[condition].of(stage)
                found[f"end_to_end_ms.{condition}"] = self.node[condition].of("end_to_end")
        return found

    def figures(self) -> Figures:
        """Every figure that a limit may name."""
        return {
            f"{name}.{key}": value
            for name, values in self.distributions().items()
            for key, value in statistics(values).items()
        }
