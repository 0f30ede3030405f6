"""From a configuration to its source."""

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


def open_source(config: SourceConfig) -> Source:
    """Open a source. Live ones need not be there yet: they are waited for.

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

        return open_camera(config)
    if isinstance(config, StreamConfig):
        from onboard.sources.stream import StreamSource

        return StreamSource(config)
    assert isinstance(config, RingConfig)
    from onboard.sources.ring import RingSource

    return RingSource(config)
