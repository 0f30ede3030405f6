"""What a campaign streams: pictures with a box, and a label where the data has one."""

import csv
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hil_tests.bench import recording
from onboard import image
from onboard.config import Source
from onboard.errors import InputError
from onboard.replay import items
from onboard.wire import Header, PixelFormat
from onboard.wire.frame import Box


@dataclass(frozen=True)
class Picture:
    """One frame's pixels as they go on the wire.

    Attributes:
        name: for people.
        payload: stride x height bytes.
        width, height, stride, pixel_format: as in the frame message.
        box: in frame pixels, or None.
        is_debris: the label; None: the data has none.
        crc32: of the payload.
    """

    name: str
    payload: bytes
    width: int
    height: int
    stride: int
    pixel_format: PixelFormat
    box: Box | None
    is_debris: bool | None
    crc32: int

    def header(self, run: bytes, frame_id: int, start_ns: int, end_ns: int, sent_ns: int) -> Header:
        """The header of a message that shows this picture."""
        return Header(
            run, frame_id, start_ns, end_ns, sent_ns, self.width, self.height, self.stride, self.pixel_format,
            self.box, "none" if self.box is None else "detector", len(self.payload), self.crc32,
        )  # fmt: skip


def load(data: Path, most: int) -> list[Picture]:
    """At most `most` pictures of a SPARK folder, a folder of tracks or a raw recording.

    Of a SPARK folder and of tracks they are spread evenly over the whole, so that all classes are there.

    Raises:
        InputError: it is none of these, cannot be read, or holds fewer than two pictures.
    """
    if data.is_file():
        found = [_recorded(message, n) for n, message in enumerate(recording.read(data, most))]
    elif data.is_dir():
        found = [_picture(*each) for each in _spread(_listed(data), most)]
    else:
        raise InputError(f"{data}: no such data; a SPARK folder, a folder of tracks or a .drfm recording is needed")
    if len({picture.crc32 for picture in found}) < 2:
        raise InputError(f"{data}: two different pictures at least are needed, for a node refuses a frozen camera")
    return found


Listed = tuple[Path, Box | None, bool | None]


def _listed(folder: Path) -> list[Listed]:
    for part in ("val", "train"):
        if (folder / f"{part}.csv").is_file():
            return _spark(folder, part)
    tracks = sorted(path.parent for path in folder.rglob("boxes.csv"))
    if not tracks:
        raise InputError(f"{folder}: neither a SPARK folder (val.csv, train.csv) nor tracks (folders with a boxes.csv)")
    return [
        (item.path, item.box, track.name.startswith("debris"))
        for track in tracks
        for item in items(Source(str(track), None))
    ]


def _spark(folder: Path, part: str) -> list[Listed]:
    path = folder / f"{part}.csv"
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = [(f"{path}:{reader.line_num}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV text file ({error})") from error
    return [_row(folder / part, row, where) for where, row in rows]


def _row(folder: Path, row: dict[str, str], where: str) -> Listed:
    try:
        y_min, x_min, y_max, x_max = (float(value) for value in json.loads(row["bbox"]))
        return folder / row["filename"], (x_min, y_min, x_max, y_max), row["class"].strip() == "debris"
    except (KeyError, ValueError, TypeError, AttributeError) as error:  # a short row's missing fields are None
        raise InputError(
            f"{where}: not a row of the 2022 layout (filename, class, bbox '[y_min, x_min, y_max, x_max]'): {error!r}"
        ) from error


def _spread(listed: list[Listed], most: int) -> list[Listed]:
    """As many of both labels as there are, evenly over the list, and mixed."""
    groups = [[each for each in listed if each[2] is label] for label in (False, True)]
    groups = [group for group in groups if group]
    chosen = []
    for n, group in enumerate(groups):
        count = min(len(group), most // len(groups) + (n < most % len(groups)))
        chosen += [group[at] for at in np.linspace(0, len(group) - 1, count).round().astype(int)]
    order = np.random.default_rng(0).permutation(len(chosen))
    return [chosen[n] for n in order]


def _picture(path: Path, box: Box | None, is_debris: bool | None) -> Picture:
    pixels = image.read(path)
    height, width = pixels.shape[:2]
    payload = pixels.tobytes()
    return Picture(path.name, payload, width, height, 3 * width, PixelFormat.RGB8, box, is_debris, zlib.crc32(payload))


def _recorded(message: recording.Message, n: int) -> Picture:
    header = message.header
    return Picture(
        f"recorded {n}",
        bytes(message.payload),
        header.width,
        header.height,
        header.stride,
        header.pixel_format,
        header.box,
        None,
        header.payload_crc32,
    )
