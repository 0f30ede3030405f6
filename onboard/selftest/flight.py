"""What the node makes of bundle and configuration at its start, by the same code: rules, sockets, telemetry."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec

from onboard import bundle as bundles
from onboard.bundle import Bundle
from onboard.control.socket import ControlSocket
from onboard.detector import LOGIT
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.config import NodeConfig
from onboard.fly.opening import CHOSEN
from onboard.fly.outlet import VerdictSocket
from onboard.fly.rules import RuleBook
from onboard.fly.storage import Storage
from onboard.health.choice import Choice, Chosen
from onboard.selftest.check import Check
from onboard.telemetry.config import FileConfig, TelemetryConfig, UdpConfig
from onboard.telemetry.opening import open_telemetry
from onboard.telemetry.udp import UdpLink


def rules(bundle: Bundle, config: NodeConfig) -> Check:
    """Frame rule and track rule at the configured rate, and the outputs that verdicts and telemetry are to carry."""
    try:
        made = RuleBook(config).of(bundle)
    except InputError as error:
        return Check("rules", False, str(error))
    frame = "none for frames" if made.frame is None else f"frames at a false-alarm rate of {made.frame.rate:g}"
    track = "none for tracks" if made.track is None else "tracks"
    return Check("rules", True, f"{frame}, {track}")


def endpoints(bundle: Bundle | None, config: NodeConfig) -> Check:
    """Every socket but the source's, opened as the node would and closed again; and telemetry, whose first packet goes
    nowhere here."""
    control, output, telemetry = config.control, config.output.socket, config.telemetry
    opened: dict[str, Callable[[], None]] = {}
    bound: dict[str, str] = {}
    if control is not None:
        opened[name := f"control {control.endpoint}"] = lambda: ControlSocket(control).close()
        bound[name] = control.endpoint
    if output is not None:
        opened[name := f"output.socket {output.endpoint}"] = lambda: VerdictSocket(output, Events()).close()
        if output.bind:  # else the file is the receiver's, who waits there
            bound[name] = output.endpoint
    if telemetry is not None:
        opened["telemetry"] = lambda: _telemetry(telemetry, bundle, config)
    for name, attempt in opened.items():
        try:
            attempt()
        except InputError as error:
            return Check("endpoints", False, f"{name}: {error}; stop the node, where it flies")
        _remove_file(bound.get(name, ""))
    return Check("endpoints", True, f"{', '.join(opened)}: can be opened" if opened else "none are configured")


def _remove_file(endpoint: str) -> None:
    """libzmq leaves the file of an ipc endpoint behind that was bound; it may be this user's and not the node's."""
    path = endpoint.removeprefix("ipc://")
    if path != endpoint and not path.startswith("@"):
        with suppress(OSError):
            Path(path).unlink()


def _telemetry(config: TelemetryConfig, bundle: Bundle | None, node: NodeConfig) -> None:
    if isinstance(config.to, UdpConfig):
        UdpLink(config.to, Events()).close()
    there = () if bundle is None else tuple(each.name for each in bundle.manifest.outputs if each.name != LOGIT)
    passed_on = there if node.output.pose_outputs is None else node.output.pose_outputs
    nowhere = msgspec.structs.replace(config, to=FileConfig())
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        storage = Storage(1)
        sha256 = bytes(32).hex() if bundle is None else bundle.sha256
        open_telemetry(nowhere, Path(folder), passed_on, sha256, storage, Events(), opened)
        opened.callback(storage.close)  # before the file, which it writes


def chosen(bundle: Bundle | None, config: NodeConfig) -> Check:
    """Which bundle the node will fly: one that was loaded by command outlives a restart. It has to be whole, and to go
    with the configuration."""
    place, events = Path(config.output.folder) / CHOSEN, Events()
    configured = Choice(config.bundle, config.runtime.engine)
    choice = Chosen.restore(place, configured, events).at_start(events).choices[-1]
    if told := events.take():
        return Check("chosen", False, f"{told[0].detail}; stop the node, look at the bundle, or remove {place}")
    by = "as configured" if choice.bundle == config.bundle else f"as chosen by command ({place})"
    try:
        found = bundles.read(Path(choice.bundle), config.signature.key())
        if choice.sha256 not in (None, found.sha256):
            raise InputError("another bundle lies there now than the one that was chosen; load it by command again")
        tested = bundle is not None and bundle.sha256 == found.sha256
        if not tested:
            RuleBook(config).of(found)
    except InputError as error:
        return Check("chosen", False, f"the node will try to fly {choice.bundle}, {by}: {error}")
    other = "" if tested else ": NOT the one that is tested here; test that one too, or load this one by command"
    return Check("chosen", True, f"the node will fly {choice.bundle}, {by}{other}")
