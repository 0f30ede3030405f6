"""From a configuration to its source."""

from collections.abc import Callable

from onboard.sources.config import (
    CameraConfig,
    FolderConfig,
    GstreamerConfig,
    RingConfig,
    SourceConfig,
    StreamConfig,
    VideoConfig,
)
from onboard.sources.source import Source
from onboard.watchdog.pings import Pings

Known = Callable[[bytes, int], bool]


def _nothing_known(_run: bytes, _frame_id: int) -> bool:
    return False


def open_source(config: SourceConfig, pings: Pings | None = None, known: Known = _nothing_known) -> Source:
    """Open a source. Live ones need not be there yet: they are waited for.

    Args:
        config: which one.
        pings: gets the part `source`, where the source has a thread of its own.
        known: whether a frame has its record already; asked for what lay there before this process.

    Raises:
        InputError: what the configuration names cannot be used.
    """
    # Imported here, for not every node has every library.
    if isinstance(config, FolderConfig):
        from onboard.sources.folder import FolderSource

        return FolderSource(config)
    if isinstance(config, VideoConfig):
        from onboard.sources.video import VideoSource

        return VideoSource(config)
    if isinstance(config, (CameraConfig, GstreamerConfig)):
        from onboard.sources.camera import open_camera

        return open_camera(config) if pings is None else open_camera(config, pings.add("source").answer)
    if isinstance(config, StreamConfig):
        from onboard.sources.stream import StreamSource

        return StreamSource(config)
    assert isinstance(config, RingConfig)
    from onboard.sources.ring import RingSource

    return RingSource(config, known)
