"""python -m onboard compare-pose."""

import argparse
import json
from pathlib import Path
from typing import Any

LIMITS = {
    "quaternion": ("--max-rotation-deg", "largest angle between two quaternions, in degrees"),
    "translation": ("--max-translation-m", "largest distance between two translations, in metres"),
    "keypoints": ("--max-keypoint-px", "largest distance between two keypoints, in pixels"),
    "plain": ("--max-relative", "largest difference of a plain output, as a share of its largest value in the frame"),
}


def add(commands: Any) -> None:
    """Add the command to the program's."""
    command: argparse.ArgumentParser = commands.add_parser(
        "compare-pose",
        help="the old pose network against a fused bundle, on your frames, in the outputs' own units",
        description="Runs the pose network that was flown before and a fused bundle on the same images and tells how "
        "far their outputs are apart, what the debris head takes in memory, and power where the board reports it. "
        "Exit code 1 where a limit is passed.",
    )
    command.add_argument("pose", type=Path, metavar="POSE", help="the old network: ONNX file or TensorRT engine")
    command.add_argument("bundle", type=Path, metavar="BUNDLE", help="a fused flight bundle")
    command.add_argument("data", type=Path, metavar="DATA", help="folder of frames with boxes.csv, as 'run' replays it")
    command.add_argument(
        "--engine", type=Path, metavar="FOLDER", help="the bundle's engine, as 'build' has made it here"
    )
    command.add_argument("--boxes", type=Path, help="CSV with filename, x_min, y_min, x_max, y_max")
    command.add_argument("--grey", choices=("refuse", "replicate"), default="refuse", help="one-channel images")
    command.add_argument("--outputs", type=Path, metavar="YAML", help="which output is what; without it all are plain")
    command.add_argument("--exact", action="store_true", help="without ONNX Runtime's optimisation: bits can be equal")
    command.add_argument("--threads", type=int, default=1, help="of ONNX Runtime; 0: all cores (default: 1)")
    command.add_argument("--json", type=Path, metavar="OUT", help="file for the figures")
    for flag, told in LIMITS.values():
        command.add_argument(flag, type=float, metavar="X", help=told)


def run(options: argparse.Namespace) -> int:
    import msgspec

    from onboard import bundle as bundles
    from onboard import files, machine, strict_yaml
    from onboard.compare import memory, networks, power, report
    from onboard.compare.frames import compare
    from onboard.compare.outputs import PoseOutputs
    from onboard.config import Source
    from onboard.errors import InputError
    from onboard.trt.manifest import ENGINE

    o = options
    limits = {kind: getattr(o, flag[2:].replace("-", "_")) for kind, (flag, _) in LIMITS.items()}
    limits = {kind: limit for kind, limit in limits.items() if limit is not None}
    if negative := [kind for kind, limit in limits.items() if not limit >= 0]:
        raise InputError(f"{LIMITS[negative[0]][0]} {limits[negative[0]]}: 0 or more is needed")
    if o.threads < 0:
        raise InputError(f"--threads {o.threads}: 0 or more is needed")
    kinds = strict_yaml.load(o.outputs, PoseOutputs).pose_outputs if o.outputs else {}
    if unused := [kind for kind in limits if kind != "plain" and kind not in {k.kind for k in kinds.values()}]:
        raise InputError(f"{LIMITS[unused[0]][0]}: no output is called {unused[0]}; name it in the file of --outputs")
    bundle = bundles.read(o.bundle)
    if o.exact and (o.engine or o.pose.suffix.lower() in memory.ENGINES):
        raise InputError("--exact: goes with ONNX Runtime alone; leave it out, or give no engine")
    file = o.engine / ENGINE if o.engine else o.bundle / bundle.manifest.model
    crop = networks.load_preprocessing(bundle, o.threads, not o.exact)
    pose = networks.load_pose(o.pose, o.threads, not o.exact)
    fused = networks.load_fused(bundle, o.threads, not o.exact, o.engine)
    boxes = o.boxes or o.data / "boxes.csv"
    if o.data.is_dir() and not boxes.is_file():
        raise InputError(f"{boxes}: no file of boxes; give --boxes CSV, as 'python -m onboard run' takes it")
    source = Source(str(o.data), str(o.boxes) if o.boxes else None, grey=o.grey)
    found = compare(pose, crop, fused, bundle, source, kinds)
    image, window = found.feeds
    seconds = 5.0
    told = {
        "pose": {"file": str(o.pose), "sha256": files.sha256(o.pose), "runtime": pose.runtime},
        "bundle": {
            "folder": str(o.bundle),
            "sha256": bundle.sha256,
            "precision": bundle.manifest.precision,
            "runtime": fused.runtime,
        },
        "machine": machine.describe(),
        "optimised": not o.exact,
        "frames": found.frames,
        "left_out": dict(found.left_out),
        "pose_outputs": msgspec.to_builtins(kinds),
        "outputs": report.statistics(found, kinds, limits),
        "memory": memory.measure(o.pose, file, bundle.manifest, (pose.device_bytes, fused.device_bytes)),
        "power_w": {
            "pose": power.while_running(lambda: pose.run(image), seconds),
            "fused": power.while_running(lambda: fused.run(window), seconds),
        },
    }
    passed = [one["passed"] for one in told["outputs"].values() if one["passed"] is not None]
    told["passed"] = all(passed) if passed else None
    print(report.text(told))
    if passed:
        print("PASS: within the limits" if all(passed) else "FAIL: a limit is passed")
    if o.json:
        files.write_text(o.json, json.dumps(told, indent=2, allow_nan=False) + "\n")
    return 0 if all(passed) else 1
