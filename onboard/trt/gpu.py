"""The GPU as the CUDA driver names it. Plain ctypes: building needs no CUDA toolkit."""

import ctypes
from ctypes import byref, c_int

import msgspec

from onboard.trt import libcuda

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*


class Gpu(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A GPU, or the lack of one.

    Attributes:
        name: the driver's name for it, or `none`.
        compute_capability: such as `8.7`, or `none`.
    """

    name: str = "none"
    compute_capability: str = "none"

    def __str__(self) -> str:
        if self.name == "none":
            return "no GPU"
        return f"{self.name} (compute capability {self.compute_capability})"


def find() -> Gpu:
    """The first GPU; `Gpu()` where there is no driver or no device."""
    cuda = libcuda.load()
    device, name = c_int(), ctypes.create_string_buffer(256)
    if cuda is None or cuda.cuInit(0) != 0 or cuda.cuDeviceGet(byref(device), 0) != 0:
        return Gpu()
    numbers = c_int(), c_int()
    for value, attribute in zip(numbers, (_MAJOR, _MINOR), strict=True):
        if cuda.cuDeviceGetAttribute(byref(value), attribute, device) != 0:
            return Gpu()
    if cuda.cuDeviceGetName(name, len(name), device) != 0:
        return Gpu()
    return Gpu(name.value.decode("utf-8", errors="replace"), f"{numbers[0].value}.{numbers[1].value}")
