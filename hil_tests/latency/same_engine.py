"""Whether a trtexec report is of the engine that was measured here, as far as the report tells."""

from dataclasses import dataclass
from typing import Any

from hil_tests.latency.trtexec import Trtexec
from hil_tests.latency.windows import shapes
from onboard import files
from onboard.bundle import Bundle


@dataclass(frozen=True)
class Same:
    """Where nothing differs, times can be compared.

    Attributes:
        differs: machine, runtime, network or engine.
        unknown: what the report does not tell.
        notes: settings that differ, which explain a part of the difference.
    """

    differs: list[str]
    unknown: list[str]
    notes: list[str]


def compare(run: Trtexec, about: dict[str, Any], bundle: Bundle) -> Same:
    """Hold runtime, GPU, precision, DLA core, window size and hashes against each other.

    Args:
        run: what trtexec says.
        about: the engine here, as it tells itself.
        bundle: that it was built from.
    """
    differs: list[str] = []
    unknown: list[str] = []
    notes: list[str] = []
    if about["library"] not in ("tensorrt", "tensorrt_rtx"):
        differs.append(f"here the engine is {about['library']} {about['version']}, which trtexec does not time")
        return Same(differs, unknown, notes)
    report = run.report
    told = {
        "TensorRT's version": report and report.version,
        "GPU": report and report.device,
        "DLA core": report and report.dla_core,
    }
    unknown += [name for name, value in told.items() if value is None]
    if report and report.version and not _same_version(report.version, about["version"]):
        differs.append(f"TensorRT is {report.version} in the report and {about['version']} here")
    if report and report.device and report.device != about["gpu"].partition(" (compute")[0]:
        differs.append(f"the GPU is {report.device} in the report and {about['gpu']} here")
    core = "none" if about["dla_core"] is None else str(about["dla_core"])
    if report and report.dla_core and report.dla_core != core:
        differs.append(f"the DLA core is {report.dla_core} in the report and {core} here")
    _network(run, bundle, differs, unknown)
    _hashes(run, about, bundle, differs, unknown)
    captured = all(state == "captured" for state in about["cuda_graphs"].values())
    if report and report.cuda_graph not in (None, captured):
        notes.append(f"CUDA graph: trtexec {'with' if report.cuda_graph else 'without'}, here the other way")
    return Same(differs, unknown, notes)


def _network(run: Trtexec, bundle: Bundle, differs: list[str], unknown: list[str]) -> None:
    ours = {tensor.name for tensor in bundle.manifest.inputs}
    if run.inputs and set(run.inputs) != ours:
        differs.append(f"its network takes {', '.join(run.inputs)}, the bundle's {', '.join(sorted(ours))}")
    elif run.window() is None:
        unknown.append("window size, so no difference is taken")
    elif run.window() not in (sizes := list(shapes(bundle.manifest.crop))):
        differs.append(f"its window is {run.window()} px, the bundle's are {', '.join(sizes)}")


def _same_version(one: str, other: str) -> bool:
    """Equal as far as both tell: 10.3.0 and 10.3.0.26 are."""
    return all(a == b for a, b in zip(one.split("."), other.split("."), strict=False))


def _hashes(run: Trtexec, about: dict[str, Any], bundle: Bundle, differs: list[str], unknown: list[str]) -> None:
    engine = run.named_file("--loadEngine") or run.named_file("--saveEngine")
    graph = run.named_file("--onnx")
    model = bundle.manifest.files[bundle.manifest.model]
    if graph is not None and files.sha256(graph) != model:
        differs.append(f"{graph} is another graph than the bundle's {bundle.manifest.model}")
    elif engine is not None and files.sha256(engine) != about["engine_sha256"]:
        if graph is None:
            differs.append(f"{engine} is another engine than the one here (by its SHA-256)")
        else:
            unknown.append("whether kernels are the same: another build of the same graph")
    elif engine is None and graph is None:
        unknown.append("engine (the report names no file that lies here)")
