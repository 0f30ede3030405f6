"""From a configuration to telemetry."""

from contextlib import ExitStack
from pathlib import Path

from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.line_file import LineFile
from onboard.fly.storage import Storage
from onboard.telemetry.config import TelemetryConfig, UdpConfig
from onboard.telemetry.telemetry import Telemetry
from onboard.telemetry.udp import UdpLink

FILE = "telemetry.bin"


def file_of(config: TelemetryConfig, folder: Path) -> Path | None:
    """Where packets are written; None: they are sent. `folder` is the one of output."""
    if isinstance(config.to, UdpConfig):
        return None
    return folder / FILE if config.to.path is None else Path(config.to.path)


def open_telemetry(
    config: TelemetryConfig,
    folder: Path,
    passed_on: tuple[str, ...],
    bundle: str,
    storage: Storage,
    events: Events,
    opened: ExitStack,
) -> Telemetry:
    """Open the link and send the first packet.

    Args:
        config: what goes where.
        folder: gets the file, where the configuration names no other place.
        passed_on: names of the pose outputs that verdicts carry.
        bundle: SHA-256 of the bundle.
        storage: writes the file.
        events: told of what is lost.
        opened: closes the link.

    Raises:
        InputError: spacepackets is not installed, an output is none that verdicts carry, or the place cannot be used.
    """
    for name in config.pose_outputs:
        if name not in passed_on:
            raise InputError(
                f"telemetry.pose_outputs: '{name}' is no output that verdicts carry: "
                f"{', '.join(passed_on) or 'they carry none'}; see output.pose_outputs and the bundle"
            )
    if isinstance(config.to, UdpConfig):
        udp = UdpLink(config.to, events)
        opened.callback(udp.close)
        return Telemetry(config, udp, udp.send, bundle, events)
    path = file_of(config, folder)
    assert path is not None
    file = LineFile(storage, path, round(config.to.file_mb * 1e6), events, end=b"", key="telemetry.to.path")
    opened.callback(file.close)
    return Telemetry(config, file, file.add, bundle, events)
