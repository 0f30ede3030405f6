"""The checks in their order, and the page that they make."""

from pathlib import Path
from typing import NamedTuple

from onboard.fly.config import NodeConfig


class Check(NamedTuple):
    """What a check found.

    Attributes:
        name: of the check.
        passed: False: do not fly before it is mended.
        detail: a sentence for a person; where it failed, with the remedy.
    """

    name: str
    passed: bool
    detail: str


def run(bundle: Path, config: NodeConfig | None, engine: Path | None, frames: int, wait_s: float) -> list[Check]:
    """Check a bundle, and with a configuration also this machine and the source; nothing is changed.

    Args:
        bundle: its folder; tested in place of the configuration's.
        config: that the node will fly with; None: only the bundle is tested.
        engine: folder of a TensorRT engine; None: the configuration's, or ONNX Runtime.
        frames: timed for each window size.
        wait_s: how long the source may take to give a frame.
    """
    from onboard.selftest import engine_checks, flight, places, source

    if engine is None and config is not None and config.runtime.engine is not None:
        engine = Path(config.runtime.engine)
    hashes, found = engine_checks.hashes(bundle, config)
    checks = [hashes]
    if found is not None:
        checks += engine_checks.answers_and_latency(found, config, engine, frames)
    if config is not None:
        checks += [] if found is None else [flight.rules(found, config)]
        checks += [flight.chosen(found, config), *places.check(config), flight.endpoints(found, config)]
        checks.append(source.check(config, found, wait_s))
    return checks


def text(bundle: Path, checks: list[Check]) -> str:
    """The page for a terminal."""
    lines = [f"self-test of {bundle}"]
    lines += [f"  {'pass' if each.passed else 'FAIL'}  {each.name:<14} {each.detail}" for each in checks]
    failed = [each.name for each in checks if not each.passed]
    lines += [f"FAILED: {', '.join(failed)}" if failed else f"all {len(checks)} checks passed"]
    return "\n".join(lines)
