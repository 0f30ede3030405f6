"""Images that stand in a data set more than once, byte for byte, under two names."""

from collections.abc import Mapping

from onboard.errors import InputError
from train.data.samples import Sample, Split

_SHOWN = 5


def refuse_shared(split: Split, digests: Mapping[str, bytes], root: str) -> None:
    """Refuse a split of which two parts hold one image: what a head was fitted on would calibrate or test it.

    Args:
        split: fit, calibration and test.
        digests: of images' contents, by sample key; samples that are not among them are not looked at.
        root: the data set's folder, for the message.

    Raises:
        InputError: there are such images; names them and their lines.
    """
    first: dict[bytes, tuple[str, Sample]] = {}
    shared = []
    for part in ("fit", "calibration", "test"):
        for sample in split.part(part):
            digest = digests.get(sample.key)
            if digest is None or sample.row is not None:
                continue
            other, twin = first.setdefault(digest, (part, sample))
            if other != part:
                shared.append(f"{sample.line}: {sample.key} ({part}) is {twin.key} ({other}; {twin.line})")
    if shared:
        lines = "\n  ".join(shared[:_SHOWN])
        raise InputError(
            f"{root}: {len(shared)} images stand in two of fit, calibration and test, byte for byte:\n  {lines}\n"
            "Remove one row of each pair: no figure may rest on an image that the head was fitted on"
        )


def told(sample: Sample, twin: Sample) -> str:
    """What is wrong with two samples of one image: a split could put them in two parts, and training refuses that."""
    pairs = {"part": (sample.source, twin.source), "class": (sample.label, twin.label)}
    differ = [name for name, (mine, theirs) in pairs.items() if mine != theirs]
    of = f", of another {' and '.join(differ)}" if differ else ""
    return f"{sample.key} is, byte for byte, {twin.key} ({twin.line}){of}; remove one of the rows"
