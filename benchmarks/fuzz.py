"""Random inputs, many of them nearly right, at everything that an outsider can write to, and how many were tried.

python -m benchmarks.fuzz --inputs 2000
"""

import argparse
import tempfile
import time
import traceback
from pathlib import Path

from benchmarks import ending
from onboard import machine, strict_yaml
from onboard.fly.config import NodeConfig
from tests.onboard.control.node import flying, until
from tests.onboard.fuzz import surfaces
from tests.onboard.fuzz.attempts import attempt
from tests.onboard.fuzz.control_socket import check, control_socket
from tests.onboard.fuzz.surfaces import Surface
from tests.onboard.small_flight import write_bundle


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=2000, help="at each surface (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default: %(default)s)")
    parser.add_argument("--only", nargs="+", metavar="SURFACE", help="names as in the table")
    options = parser.parse_args()
    print("surface             tried  believed  slowest, s  grown, MB", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = write_bundle(folder / "bundle", (64,))
        sound = True
        for surface, taken in surfaces.all_of(folder, write_bundle(folder / "altered", (64,))).items():
            if options.only is None or surface in options.only:
                sound &= _tried(surface, taken, options)
        if options.only is None or "control socket" in options.only:
            with flying(_config(folder, bundle), folder) as node:
                until(lambda: node.answered() > 3)
                sound &= _tried("control socket", control_socket(node), options)
                check(node)
    print(machine.describe())
    return 0 if sound else 1


def _tried(name: str, surface: Surface, options: argparse.Namespace) -> bool:
    began = time.monotonic()
    try:
        tally = attempt(surface, options.inputs, options.seed)
    except Exception:  # whatever the surface let through
        traceback.print_exc()
        print(f"{name:<18}  FAILED, see above", flush=True)
        return False
    took = f"{tally.slowest_s:12.2f}{tally.grown_mb:11.1f}  in {time.monotonic() - began:.0f} s"
    print(f"{name:<18}{tally.tried:7d}{tally.believed:10d}{took}", flush=True)
    return True


def _config(folder: Path, bundle: Path) -> NodeConfig:
    text = f"""
        bundle: {bundle}
        source: {{kind: ring, path: {folder / "camera"}}}
        journal: {{ring: {folder / "journal"}}}
        output: {{folder: {folder / "out"}}}
        control: {{endpoint: "ipc://{folder}/control"}}
        stale_ms: null
    """
    return strict_yaml.convert(strict_yaml.parse(text, "node"), NodeConfig, "node")


if __name__ == "__main__":
    ending.run(main)
