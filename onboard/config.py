"""The node's configuration: one YAML file, one replay."""

from typing import Annotated

import msgspec

from onboard.image import Grey
from onboard.signing import SignatureConfig

Pixels = Annotated[int, msgspec.Meta(ge=1, le=65536)]


class Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A folder of frames.

    Attributes:
        folder: holds the images, at any depth; they are replayed in the order of their paths.
        boxes: CSV with the columns filename, x_min, y_min, x_max, y_max (pixels of the frame, edges; filename
            below the folder); null: `boxes.csv` in the folder.
        frame_size_px: width and height that every frame must have; null: any.
        grey: what to do with one-channel images.
    """

    folder: str
    boxes: str | None = None
    frame_size_px: tuple[Pixels, Pixels] | None = None
    grey: Grey = "refuse"


class Output(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where results go.

    Attributes:
        folder: gets `verdicts.jsonl` and `summary.json`.
        annotated: also write every frame as PNG with its box and verdict, into `annotated/`.
    """

    folder: str
    annotated: bool = False


class Runtime(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How the graph is run.

    Attributes:
        threads: that ONNX Runtime may use; 0 takes all cores.
        engine: folder of a TensorRT engine, as `python -m onboard build` writes it; null: ONNX Runtime.
    """

    threads: Annotated[int, msgspec.Meta(ge=0, le=256)] = 1
    engine: str | None = None


class FlightConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One run of the node.

    Attributes:
        bundle: folder of the flight bundle.
        source: where frames come from.
        output: where verdicts go.
        runtime: how the graph is run.
        signature: the key whose owner must have signed bundle and engine; none by default.
        false_alarm_rate: on normal frames, of the rule that calls a box debris; null: the bundle's calibrated rate and
            confidence, or 0.05 where it has none.
        confidence: that this calibration keeps the rate; null: it is kept on average over calibrations.
    """

    bundle: str
    source: Source
    output: Output
    runtime: Runtime = Runtime()
    signature: SignatureConfig = SignatureConfig()
    false_alarm_rate: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
    confidence: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None
