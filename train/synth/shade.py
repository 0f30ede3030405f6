"""Light on a body: from face numbers at pixels to linear radiance, in floating point (deferred shading)."""

from dataclasses import dataclass

import numpy as np

from train.synth.body import Body
from train.synth.camera import Camera, Pose
from train.synth.materials import LOOKS, Material, albedo
from train.synth.mesh import Array, vertex_normals
from train.synth.noise import crinkle, fractal, look_up
from train.synth.raster import Raster
from train.synth.sampling import sample
from train.synth.shadow import ShadowMap

EARTHSHINE = np.array([0.027, 0.03, 0.036], np.float32)
"""Light from the Earth's side, against a sun of 1."""
STARLIGHT = 0.003


@dataclass(frozen=True)
class Light:
    """Unit vectors towards the sun and the Earth, camera frame."""

    sun: Array
    earth: Array


@dataclass(frozen=True)
class Shaded:
    """The body's part of an image.

    Attributes:
        radiance: float32 [H, W, 3], linear, 1 for a white surface that faces the sun; 0 beside the body.
        cover: float32 [H, W], the body's share of the pixel.
        box: x_min, y_min, x_max, y_max of all pixels that the body touches, pixel edges; None: not in view.
    """

    radiance: Array
    cover: Array
    box: tuple[int, int, int, int] | None


def shade(body: Body, pose: Pose, camera: Camera, light: Light, raster: Raster) -> Shaded:
    """Render the body before an empty background. `raster` has a whole multiple of the image's side."""
    size = camera.image_px
    mesh = body.mesh
    radiance, cover = np.zeros((size, size, 3), np.float32), np.zeros((size, size), np.float32)
    picture = raster.perspective(pose.to_camera(mesh.points), mesh.faces, camera.focal_px / size)
    seen = sample(picture, mesh.material, size)
    if seen is None:
        return Shaded(radiance, cover, None)

    # All in the body's frame, as seen from the camera, so that textures turn with the body.
    turn = pose.rotation
    eye = -turn.T @ pose.translation_m
    rays = (camera.ray(seen.place_px) @ turn).astype(np.float32)
    face = seen.face
    sun = (turn.T @ light.sun).astype(np.float32)
    weight = _barycentric(mesh.points - eye, mesh.faces, face, rays)
    vertex = np.concatenate(
        [mesh.points, vertex_normals(mesh), mesh.uv, mesh.scorch[:, None]], axis=1, dtype=np.float32
    )
    value = np.zeros((len(face), vertex.shape[1]), np.float32)
    for k in range(3):
        value += weight[:, k, None] * vertex[mesh.faces[:, k]][face]
    surface = Surface(
        normal=value[:, 3:6],
        flat=_face_normals(mesh.points, mesh.faces)[face],
        uv=value[:, 6:8],
        scorch=value[:, 8],
        view=-rays / np.linalg.norm(rays, axis=1, keepdims=True),
    )
    lit = ShadowMap(mesh, sun, raster).lit(value[:, :3], face)
    earth = (turn.T @ light.earth).astype(np.float32)
    colour = _surface(surface, mesh.material[face], body.tint, lit, sun, earth)
    x0, y0, x1, y1 = seen.box
    radiance[y0:y1, x0:x1], cover[y0:y1, x0:x1] = (
        seen.gather(colour),
        seen.gather(np.ones((len(face), 1)))[..., 0],
    )
    return Shaded(radiance, cover, seen.box)


@dataclass(frozen=True)
class Surface:
    """The surface at N pixels: [N, 3] unit vectors in the body's frame, uv [N, 2], scorch [N]."""

    normal: Array
    flat: Array
    uv: Array
    scorch: Array
    view: Array

    def at(self, chosen: Array) -> "Surface":
        return Surface(self.normal[chosen], self.flat[chosen], self.uv[chosen], self.scorch[chosen], self.view[chosen])


def _surface(surface: Surface, material: Array, tint: Array, lit: Array, sun: Array, earth: Array) -> Array:
    colour = np.zeros((len(material), 3), np.float32)
    for kind in Material:
        chosen = np.flatnonzero(material == kind)
        if len(chosen):
            colour[chosen] = _reflect(kind, surface.at(chosen), tint[kind], lit[chosen], sun, earth)
    return colour


def _reflect(material: Material, at: Surface, tint: Array, lit: Array, sun: Array, earth: Array) -> Array:
    look = LOOKS[material]
    paint = albedo(material, at.uv, tint)
    # Burnt: darker, browner, duller; ragged by the noise at the edges of the burn.
    burn = np.clip(at.scorch * 1.6 - 0.25 + 0.25 * look_up(fractal(), at.uv, 0.6), 0, 1)[:, None]
    paint = paint * (1 - burn) + np.array([0.05, 0.042, 0.036], np.float32) * burn
    side = np.where(_dot(at.flat, at.view) < 0, -1, 1).astype(np.float32)[:, None]
    flat, normal = at.flat * side, at.normal
    normal = normal * np.where(_dot(normal, flat) < 0, -1, 1).astype(np.float32)[:, None]
    if look.crinkle:
        normal = normal + look.crinkle * look_up(crinkle(), at.uv, 0.7)
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)

    to_sun = np.clip(_dot(normal, sun), 0, 1) * lit * (_dot(flat, sun) > 0)
    half = at.view + sun
    half /= np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-6)
    gloss = look.gloss * (1 - 0.7 * burn[:, 0])
    peak = (gloss + 8) / 25 * np.clip(_dot(normal, half), 0, 1) ** gloss
    mirror = 2 * _dot(normal, at.view)[:, None] * normal - at.view
    sky = np.clip(_dot(mirror, earth), 0, 1) ** 2  # the Earth's broad disc, mirrored
    shine = look.specular * (1 - 0.8 * burn) * (paint if look.metallic else np.float32(1))
    from_earth = np.clip(_dot(normal, earth), 0, 1)[:, None] * EARTHSHINE + STARLIGHT
    scattered = look.diffuse * paint * (to_sun[:, None] + from_earth)
    return scattered + shine * ((peak * to_sun)[:, None] + sky[:, None] * EARTHSHINE * 1.5)


def _barycentric(points: Array, faces: Array, face: Array, rays: Array) -> Array:
    """Weights [N, 3] of the corners where `rays` from the origin meet their faces, exact in perspective."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    dual = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], 1)
    dual /= np.maximum(np.abs(dual).max(axis=(1, 2), keepdims=True), 1e-30)
    weight = np.einsum("nij,nj->ni", dual.astype(np.float32)[face], rays)
    total = weight.sum(axis=1, keepdims=True)
    weight = weight / np.where(np.abs(total) < 1e-12, 1, total)
    # A pixel may count as a face's though its middle is just outside, and faces may be seen edge on.
    weight = np.clip(np.nan_to_num(weight), 0, 1)
    return weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-6)


def _face_normals(points: Array, faces: Array) -> Array:
    a, b, c = (points[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    return (normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def _dot(a: Array, b: Array) -> Array:
    """Row by row, [N, 3] and [N, 3] or [3]."""
    return a @ b if b.ndim == 1 else np.einsum("ij,ij->i", a, b)
