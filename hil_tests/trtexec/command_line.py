"""Command lines of trtexec whose reports can be compared: same settings in every version, said in its own flags."""

import shlex
from pathlib import Path

from onboard.bundle import Bundle
from onboard.errors import InputError

VERSIONS = ("8.5", "8.6", "10", "11")
_TIMED = ["--warmUp=500", "--duration=10", "--percentile=90,95,99"]


def commands(
    bundle: Bundle, version: str, pose: Path | None = None, pose_shapes: str | None = None, fp16: bool = False
) -> list[str]:
    """Lines that build and time the bundle at each window size, or of whole frames; then time its layers.

    Then the same for the pose network alone.

    Args:
        version: of TensorRT, such as 8.6, 10.3 or 11.4.
        pose: the pose network alone.
        pose_shapes: for a pose network whose input varies, such as image:1x3x224x224.
        fp16: the graphs compute in fp16, which TensorRT 8 must be told; later ones read it from the graph. What the
            bundle's manifest says of its own need not be said.

    Raises:
        InputError: a version whose flags are not known.
    """
    major = _major(version)
    lines = []
    ours = {"fp32": fp16, "fp16": True, "int8": False}[bundle.manifest.precision]
    is_int8 = bundle.manifest.precision == "int8"
    spec, model = bundle.manifest.crop, bundle.folder / bundle.manifest.model
    if spec.whole:  # nothing varies, and trtexec refuses shapes then
        height, width = spec.frame_hw
        lines += _pair(model, f"fused_{height}x{width}", None, major, ours, is_int8)
    for side in () if spec.whole else spec.windows:
        shapes = ",".join(
            f"{tensor.name}:{'x'.join(str(size if isinstance(size, int) else side) for size in tensor.shape)}"
            for tensor in bundle.manifest.inputs
        )
        lines += _pair(model, f"fused_{side}", shapes, major, ours, is_int8)
    if pose is not None:
        lines += _pair(pose, "pose", pose_shapes, major, fp16)
    return lines


def _pair(model: Path, name: str, shapes: str | None, major: int, fp16: bool, int8: bool = False) -> list[str]:
    build = [f"--onnx={model}", f"--saveEngine={name}.plan", "--memPoolSize=workspace:1024", "--noTF32"]
    build += [f"--{which}Shapes={shapes}" for which in ("min", "opt", "max") if shapes]
    build += ["--profilingVerbosity=detailed", f"--exportLayerInfo={name}_layers.json"]
    if major == 8 and fp16:
        build.append("--fp16")
    if major == 8 and int8:
        build.append("--int8")
    if major == 10:
        build.append("--stronglyTyped")
    # TensorRT 11 has these three on by default, and no flags for them.
    settings = [] if major == 11 else ["--noDataTransfers", "--useCudaGraph", "--useSpinWait"]
    times = [] if major == 11 else [f"--exportTimes={name}_times.json"]
    run = [*build, *settings, *_TIMED, *times]
    layers = [f"--loadEngine={name}.plan", *([f"--shapes={shapes}"] if shapes else []), "--dumpProfile"]
    layers.append(f"--exportProfile={name}_profile.json")
    return [
        f"trtexec {shlex.join(run)} 2>&1 | tee {name}.log",
        f"trtexec {shlex.join(layers)} > {name}_profile.log 2>&1",
    ]


def _major(version: str) -> int:
    head, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    if head in ("10", "11") or (head == "8" and minor in ("5", "6")):
        return int(head)
    raise InputError(f"--version {version}: flags are known for TensorRT 8.5, 8.6, 10.x and 11.x; give one of these")
