"""Only normal data is read: debris is refused, and so is what the head was fitted on."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from calibration.frames import LabelledFrame
from calibration.score_cache import Score
from onboard import image_hashes
from onboard.bundle import Bundle
from onboard.errors import InputError

T = TypeVar("T")
Role = Literal["calibrate", "select"]


def debris_classes(bundle: Bundle, given: Sequence[str] | None) -> tuple[str, ...]:
    """The classes that no calibration may read.

    Args:
        bundle: says which classes its head was fitted on, and which it was only tested on: the run's anomalies.
        given: by the user, in place of what the bundle says; `debris` always is one.
    """
    if given is not None:
        return "debris", *given
    samples = bundle.manifest.training.get("samples", {})
    normal = {name for part in ("fit", "calibration") for name in samples.get(part, {})}
    told = [name for name in samples.get("test", {}) if name not in normal and name.casefold() != "debris"]
    return "debris", *told


def is_debris(label: str | None, names: Sequence[str]) -> bool:
    """Whether a class is one of the debris classes, whatever its case."""
    return label is not None and label.casefold() in {name.casefold() for name in names}


def without_debris(
    data: Path, found: Sequence[T], label: Callable[[T], str | None], names: Sequence[str], ignore: bool, what: str
) -> list[T]:
    """Leave debris out where that was asked for; else refuse data that hold any.

    Args:
        data: names the data in the error.
        found: frames or tracks.
        label: the class of one.
        names: the debris classes.
        ignore: leave debris out.
        what: `frames` or `tracks`.

    Raises:
        InputError: there is debris and it is not to be ignored, or nothing else is left.
    """
    normal = [one for one in found if not is_debris(label(one), names)]
    if len(normal) < len(found) and not ignore:
        raise InputError(
            f"{data}: {len(found) - len(normal)} of {len(found)} {what} are labelled debris ({', '.join(names)}); "
            "calibration reads normal data only: give other data, or leave these out with --ignore-debris"
        )
    if not normal:
        raise InputError(f"{data}: holds no normal {what}")
    return normal


def without_fitted(bundle: Bundle, data: Path, found: Sequence[tuple[str, T]], skip: bool) -> list[tuple[str, T]]:
    """Leave images that the head was fitted on out where that was asked for; else refuse data that hold any.

    Args:
        bundle: whose head.
        data: names the data in the error.
        found: pairs of an image's SHA-256 and what belongs to it.
        skip: leave fitted images out.

    Raises:
        InputError: there are such images and they are not to be skipped, or nothing else is left.
    """
    name = bundle.manifest.fit_images
    if name is None:
        return list(found)
    fitted = image_hashes.unpack(bundle.contents[name], str(bundle.folder / name))
    fresh = [pair for pair in found if image_hashes.prefix(pair[0]) not in fitted]
    if len(fresh) < len(found) and not skip:
        raise InputError(
            f"{data}: the head was fitted on {len(found) - len(fresh)} of its {len(found)} images, whose scores are "
            "no sample of what flight will bring; give other data, or leave these out with --skip-fitted"
        )
    if not fresh:
        raise InputError(f"{data}: the head was fitted on every one of its images; give other data")
    return fresh


def same_frame_size(bundle: Bundle, data: Path, scores: Sequence[Score]) -> None:
    """Refuse frames of another size than the bundle's thresholds were calibrated on, if they were.

    Raises:
        InputError: the sizes differ.
    """
    size = bundle.manifest.calibration.frame_px if bundle.manifest.calibration else None
    if size is not None and scores and scores[0].frame_px != size:
        (w, h), (w0, h0) = scores[0].frame_px, size
        raise InputError(
            f"{data}: frames of {w} x {h} px, but the bundle's threshold was calibrated on {w0} x {h0} px; give frames "
            "of that size, or run 'python -m calibration threshold' on frames of this one first"
        )


def unfitted_text(bundle: Bundle, labels: Iterable[str | None], what: str) -> str | None:
    """What to say of classes that are taken for normal and that the head was not fitted on; None: nothing.

    Args:
        bundle: whose head; one that does not say what it was fitted on says nothing here.
        labels: of the frames or tracks that are taken for normal.
        what: `frames` or `tracks`.
    """
    fitted = bundle.manifest.training.get("samples", {}).get("fit", {})
    found = Counter(label for label in labels if label and label not in fitted)
    if not fitted or not found:
        return None
    told = ", ".join(f"{label} ({count} {what})" for label, count in sorted(found.items()))
    return f"taken for normal, but of classes that the head was not fitted on: {told}; debris? name it: --debris-class"


def refuse_other_draw(bundle: Bundle, seed: int, kept_back: float) -> None:
    """Refuse a draw that leaves frames to the calibration which the graph was quantised or clamped with.

    For a bundle that is older than its list of them: else they are known one by one (see `uses`).

    Raises:
        InputError: the seed is another, or less is kept back.
    """
    manifest = bundle.manifest
    made = [("int8", manifest.conversion.get("seed"), manifest.conversion.get("kept_back"))]
    if manifest.bounds is not None:
        made.append(("bounds", manifest.bounds.seed, manifest.bounds.kept_back))
    for command, with_seed, share in made:
        if with_seed is not None and share is not None and (seed != with_seed or kept_back < share):
            raise InputError(
                f"{bundle.folder}: '{command}' made its ranges from the frames that --seed {with_seed} --kept-back "
                f"{share:g} keep back; with --seed {seed} --kept-back {kept_back:g} some of them would calibrate: give "
                "the former"
            )


def role(sha256: str, seed: int, kept_back: float) -> Role:
    """What an image (or a track) is used for: told by its content alone, so that every command agrees.

    Args:
        sha256: of the content.
        seed: of the draw.
        kept_back: share that is kept for quantising, clamping and selecting.
    """
    drawn = hashlib.sha256(f"{seed}\t{sha256}".encode()).digest()
    return "select" if int.from_bytes(drawn[:8], "big") < kept_back * 2**64 else "calibrate"


def data_sha256(found: Iterable[tuple[str, LabelledFrame]]) -> str:
    """SHA-256 over the contents and boxes of frames; independent of order."""
    return digest_of(f"{digest}\t{frame.box}" for digest, frame in found)


def digest_of(texts: Iterable[str]) -> str:
    """SHA-256 over texts; independent of their order."""
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()
