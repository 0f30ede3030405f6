"""The figures of one trtexec run, as they go into JSON."""

from dataclasses import dataclass, field
from typing import Any

KINDS = {
    "Latency": "latency_ms",
    "Enqueue Time": "enqueue_ms",
    "H2D Latency": "h2d_ms",
    "GPU Compute Time": "gpu_compute_ms",
    "D2H Latency": "d2h_ms",
}
NO_DLA = "none"
STATISTICS = ("min", "max", "mean", "median", "p90", "p95", "p99")


@dataclass
class Report:
    """One run; None is what its log does not say.

    Attributes:
        name: the log's name, for messages.
        version: such as 10.16.1.
        dla_core: the number of the DLA core, or `none`: the GPU.
        streams: how many inferences run side by side.
        tf32: whether the build allowed TF32; None for an engine that was built elsewhere.
        statistics: milliseconds by kind (`latency_ms` ...) and statistic (`min` ... `p99`).
        layers: median (or mean) milliseconds by layer, from a profile table in the log.
        warnings: what a reader of the figures should know.
    """

    name: str
    version: str | None = None
    device: str | None = None
    precision: str | None = None
    data_transfers: bool | None = None
    cuda_graph: bool | None = None
    dla_core: str | None = None
    streams: str | None = None
    tf32: bool | None = None
    passed: bool | None = None
    throughput_qps: float | None = None
    statistics: dict[str, dict[str, float | None]] = field(default_factory=dict)
    layers: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As a flat JSON object; every key is always there."""
        kinds = {}
        for kind in KINDS.values():
            found = self.statistics.get(kind, {})
            kinds[kind] = {name: found.get(name) for name in dict.fromkeys([*STATISTICS, *found])}
        return {
            "throughput_qps": self.throughput_qps,
            **kinds,
            "version": self.version,
            "device": self.device,
            "precision": self.precision,
            "data_transfers": self.data_transfers,
            "cuda_graph": self.cuda_graph,
            "dla_core": self.dla_core,
            "streams": self.streams,
            "tf32": self.tf32,
            "passed": self.passed,
            "warnings": self.warnings,
        }
