"""What a configuration says of its source: one of six kinds, told apart by `kind`."""

from typing import Annotated

import msgspec

from onboard.image import Grey
from onboard.sockets import Curve
from onboard.wire.frame import Limits

Rate = Annotated[float, msgspec.Meta(gt=0, le=10_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]


class _Kind(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="kind"):
    pass


class FolderConfig(_Kind, tag="folder", frozen=True):
    """Images of a folder, in the order of their names.

    Attributes:
        folder: holds them, at any depth.
        boxes: CSV with filename, x_min, y_min, x_max, y_max; null: `boxes.csv` in the folder; false: none, as of a
            camera (the node needs its finder).
        grey: what to do with one-channel images.
        rate_hz: frames due each second; those that the node is too slow for are SKIPPED(superseded). null: every frame,
            as fast as it is taken.
    """

    folder: str
    boxes: str | bool | None = None
    grey: Grey = "refuse"
    rate_hz: Rate | None = None

    def __post_init__(self) -> None:
        if self.boxes is True:
            raise ValueError("boxes: true does not say where; name the CSV file, or leave it out for boxes.csv")


class VideoConfig(_Kind, tag="video", frozen=True):
    """A video file, once from its beginning to its end.

    Attributes:
        path: of the file.
        rate_hz: as in a folder.
    """

    path: str
    rate_hz: Rate | None = None


class CameraConfig(_Kind, tag="camera", frozen=True):
    """A V4L2 camera.

    Attributes:
        device: its number, or its path such as /dev/video0 or one below /dev/v4l/by-id, which survives a re-plug.
        size_px: width and height to ask for; null: what the camera is set to.
        rate_hz: to ask for.
        silence_s: after so long without a frame the source counts as lost.
    """

    device: int | str
    size_px: tuple[int, int] | None = None
    rate_hz: Rate | None = None
    silence_s: Seconds = 2.0


class GstreamerConfig(_Kind, tag="gstreamer", frozen=True):
    """A GStreamer pipeline that ends in `appsink`.

    Attributes:
        pipeline: as `gst-launch-1.0` takes it, BGR at its end: `... ! video/x-raw,format=BGR ! appsink drop=true`.
        silence_s: as of a camera.
    """

    pipeline: str
    silence_s: Seconds = 2.0


class StreamConfig(_Kind, tag="stream", frozen=True):
    """Frame messages (docs/wire.md) over ZeroMQ, from a PUSH socket to the node's PULL socket.

    Attributes:
        endpoint: such as tcp://127.0.0.1:5555 or ipc:///run/debris/frames.
        bind: wait here for senders; false: connect to one sender that waits.
        curve: keys; needed beyond loopback.
        limits: largest message.
        queue: messages that ZeroMQ keeps for the node, beside what the kernel's buffers hold.
        checksum: whether the pixels' CRC32 is checked.
        silence_s: as of a camera.
    """

    endpoint: str
    bind: bool = True
    curve: Curve | None = None
    limits: Limits = Limits()
    queue: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 4
    checksum: bool = True
    silence_s: Seconds = 2.0


class RingConfig(_Kind, tag="ring", frozen=True):
    """A ring in shared memory that a camera process on this host writes (`onboard.sources.ring_writer`).

    Attributes:
        path: of the ring, such as /dev/shm/camera.
        limits: largest frame.
        checksum: check the pixels' CRC32 as well; advised on ARM, see docs/sources.md.
        copy: false: RGB8 pixels are used where they lie, and checked to be the same when the work on them is done.
        poll_s: how often it is looked at.
        silence_s: as of a camera.
    """

    path: str
    limits: Limits = Limits()
    checksum: bool = True
    copy: bool = True
    poll_s: Annotated[float, msgspec.Meta(ge=0.00005, le=1)] = 0.0005
    silence_s: Seconds = 2.0


SourceConfig = FolderConfig | VideoConfig | CameraConfig | GstreamerConfig | StreamConfig | RingConfig
