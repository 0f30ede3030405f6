"""One sample's pixels, whatever kind of file they lie in."""

from onboard import image
from onboard.errors import InputError
from onboard.image import Frame, Grey
from train.data import boxes, cifar_batch
from train.data.samples import Sample


def read_sample(sample: Sample, grey: Grey = "refuse") -> Frame:
    """Read the whole image that holds a sample, and make sure that its box is in it.

    Args:
        sample: the sample.
        grey: what to do with a one-channel image.

    Returns:
        uint8 RGB [H, W, 3].

    Raises:
        InputError: the image cannot be read or decoded, or the sample's box shows too little of it; the
            message names the image and the line of the label file.
    """
    where = f"{sample.line}: " if sample.line else ""
    if sample.row is not None:
        return cifar_batch.frame(sample.path, sample.row)
    try:
        rgb = image.read(sample.path, grey)
    except InputError as error:
        raise InputError(f"{where}{error}") from error
    if said := boxes.unfit(sample.box, rgb.shape[0], rgb.shape[1]):
        raise InputError(f"{where}{sample.path}: {said}; is 'box_order' right?")
    return rgb
