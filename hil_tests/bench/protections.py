"""Protections of the node that are off by default, or slow, and that a plan's faults ask for."""

from pathlib import Path
from typing import Any

from hil_tests.bench.pictures import Picture
from hil_tests.bench.plan import MEMORY_KINDS, FaultPlan
from onboard.errors import InputError
from onboard.signing import signature_of

_PASSES = 4  # of the scrub while a file is damaged; one that began before the damage may miss it
_ASKINGS = 3  # of a known answer while a weight is wrong
_RELOADS = 2  # that a flip may take, of those that a long time of sound answers gives back


def asked_for(plan: FaultPlan | None, pictures: list[Picture]) -> dict[str, Any]:
    """Keys of the node's configuration by dotted name.

    Raises:
        InputError: the plan has frames of another size, and the pictures have several sizes already.
    """
    if plan is None:
        return {}
    asked: dict[str, Any] = {}
    if plan.has("bundle_rot"):
        asked["health.scrub_period_s"] = plan.rot_ms / 1000 / _PASSES
    if plan.has(*MEMORY_KINDS):
        asked["health.known_answer_s"] = plan.flip_ms / 1000 / _ASKINGS
        asked["invalid.reloads"] = min(1000, _RELOADS * sum(plan.faults.get(kind, 0) for kind in MEMORY_KINDS))
    if plan.has("wrong_size", "too_large"):
        sizes = {(each.width, each.height) for each in pictures}
        if len(sizes) > 1:
            raise InputError(
                f"stream.data: pictures of {len(sizes)} sizes, such as {sorted(sizes)[:2]}; the faults wrong_size and "
                "too_large need one: set both to 0 in the plan, or give other data"
            )
        width, height = sizes.pop()
        if plan.has("wrong_size"):
            asked["sanity.frame_size_px"] = [[width, height]]
        if plan.has("too_large"):
            asked["source.limits"] = {"width_px": width, "height_px": height}
    return asked


def sign(bundle: Path, out: Path) -> Path:
    """Sign the bundle with a key that nobody keeps; gives the public key's file.

    Raises:
        InputError: the package cryptography is absent.
    """
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ModuleNotFoundError as error:
        raise InputError("node.sign: cryptography is not installed; run pip install '.[sign]'") from error
    private = Ed25519PrivateKey.generate()
    manifest, public = bundle / "manifest.yaml", out / "public.pem"
    signature_of(manifest).write_bytes(private.sign(manifest.read_bytes()))
    public.write_bytes(
        private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return public
