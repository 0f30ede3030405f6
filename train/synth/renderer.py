"""Draws the images of a plan, one at a time; every process has a renderer of its own."""

import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import msgspec
import numpy as np

from onboard import files
from onboard.errors import InputError
from onboard.image import Frame
from train.synth import motion, targets
from train.synth.body import build
from train.synth.camera import Camera, Pose
from train.synth.config import SynthConfig
from train.synth.motion import Motion
from train.synth.placing import place
from train.synth.plan import STREAMS, Job
from train.synth.raster import Raster
from train.synth.rotation import quaternion
from train.synth.scene import OVERSAMPLING, Scene, compose


class Entry(msgspec.Struct, frozen=True):
    """What is known of a finished image.

    Attributes:
        path: below the data set's folder.
        sha256: of the file.
        box: x_min, y_min, x_max, y_max, pixel edges.
        pose: qw, qx, qy, qz, tx_m, ty_m, tz_m: body to camera.
    """

    path: str
    sha256: str
    box: tuple[int, int, int, int]
    pose: tuple[float, ...]


class Renderer:
    """Gives the same bytes for a job whatever it has drawn before."""

    def __init__(self, config: SynthConfig) -> None:
        """
        Raises:
            InputError: VTK is not installed.
        """
        self._config = config
        self._camera = Camera(config.image_px)
        self._raster = Raster(config.image_px * OVERSAMPLING)
        self._track = lru_cache(maxsize=2)(self._build_track)  # frames of a track come one after the other

    def draw(self, job: Job, folder: Path) -> Entry:
        """Render a job's image and write it below `folder`, whole or not at all.

        Raises:
            InputError: the image could not be written.
        """
        if job.frame is None:
            rng = self._rng(job)
            scene, pose = self._scene(job, rng)
            seen = scene.shaded(pose, self._raster)
            image = scene.picture(seen, scene.gain(seen), rng)
        else:
            scene, path, gain = self._track(job.stream, job.index, job.kind)
            pose = path.at(job.frame / (self._config.tracks.frames - 1))
            seen = scene.shaded(pose, self._raster)
            image = scene.picture(seen, gain, self._rng(job))
        if seen.box is None:
            raise AssertionError(f"{job.path}: the object is out of the image; placing.py or motion.py is wrong")
        data = _jpeg(image, self._config.jpeg_quality)
        try:
            files.write_bytes(folder / job.path, data)
        except OSError as error:
            raise InputError(f"{folder / job.path}: cannot be written ({error.strerror})") from error
        numbers = (*quaternion(pose.rotation).tolist(), *pose.translation_m.tolist())
        return Entry(job.path, hashlib.sha256(data).hexdigest(), seen.box, numbers)

    def close(self) -> None:
        self._raster.close()

    def _scene(self, job: Job, rng: np.random.Generator) -> tuple[Scene, Pose]:
        target = targets.draw(self._config, rng, job.index)
        body = build(job.kind, rng)
        pose = place(body.mesh.points, target, self._camera, rng)
        return compose(body, self._camera, target, rng), pose

    def _build_track(self, stream: str, index: int, kind: str) -> tuple[Scene, Motion, float]:
        rng = self._rng(Job("", stream, index, kind))
        target = targets.draw(self._config, rng, index)
        # A track is to show how decisions grow with time: none of its objects is lost in the dark.
        levels = self._config.brightness_levels
        visible = max(target.brightness_levels, (levels.min + levels.max) / 2)
        target = replace(target, brightness_levels=visible)
        body = build(kind, rng)
        path = motion.draw(body.mesh.points, target, self._camera, rng)
        scene = compose(body, self._camera, target, rng)
        # A track has one exposure, as a camera would over some seconds: the median of three that would suit.
        gains = [scene.gain(scene.shaded(path.at(t), self._raster)) for t in (0.0, 0.5, 1.0)]
        return scene, path, float(np.median(gains))

    def _rng(self, job: Job) -> np.random.Generator:
        seed = [self._config.seed, STREAMS[job.stream], job.index]
        return np.random.default_rng(seed if job.frame is None else [*seed, job.frame])


def _jpeg(rgb: Frame, quality: int) -> bytes:
    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise InputError("OpenCV could not encode a JPEG; was it built without it?")
    return data.tobytes()
