"""python -m onboard build."""

import argparse
from pathlib import Path
from typing import Any

from onboard.trt.library import RUNTIMES


def add(commands: Any) -> None:
    """Add the command to the program's."""
    command: argparse.ArgumentParser = commands.add_parser(
        "build",
        help="build a TensorRT engine from a bundle, for this machine",
        description="Builds a TensorRT engine from a flight bundle on the machine that is to run it, and writes it "
        "with its manifest beside the bundle's files. Takes minutes on a Jetson.",
    )
    command.add_argument("bundle", type=Path, metavar="BUNDLE")
    command.add_argument(
        "--precision",
        choices=("auto", "fp32", "fp16", "int8"),
        default="auto",
        help="refuse a graph that computes in another precision; auto (default) builds it as it is",
    )
    command.add_argument("--workspace-mb", type=int, metavar="N", help="the builder's scratch memory in MiB")
    command.add_argument(
        "--dla", type=int, metavar="N", help="run on this DLA core, and on the GPU what it cannot take"
    )
    command.add_argument("--out", type=Path, metavar="FOLDER", help="the engine's folder (default: BUNDLE/engines/...)")
    command.add_argument(
        "--public-key", type=Path, metavar="PEM", help="refuse a bundle that the owner of this key has not signed"
    )
    command.add_argument("--runtime", choices=RUNTIMES, help="which TensorRT (default: the first that is installed)")


def run(options: argparse.Namespace) -> int:
    from onboard.trt.build import Options, build
    from onboard.trt.manifest import ENGINE, MANIFEST, EngineManifest

    o = options
    out = build(o.bundle, Options(o.precision, o.workspace_mb, o.dla, o.out, o.runtime, o.public_key))
    manifest = EngineManifest.load(out)
    print(f"engine:   {out / ENGINE} ({(out / ENGINE).stat().st_size / 1e6:.1f} MB, {manifest.precision})")
    print(f"manifest: {out / MANIFEST}")
    if manifest.placement is None:
        print("no GPU here: the engine was not read back, and runs only where its manifest says")
        return 0
    print(f"check it: python -m onboard verify {o.bundle} --engine {out}")
    if manifest.placement.dla_fallbacks:
        print(
            f"{len(manifest.placement.dla_fallbacks)} layers fell back from the DLA to the GPU; the manifest names them"
        )
    return 0
