"""Errors that a user can act on."""


class InputError(Exception):
    """Something that the user gave cannot be used.

    The message names the file, the value and the remedy; command lines print it without a traceback.
    """


class RateError(InputError):
    """A false-alarm rate that the calibration cannot support."""


class GpuRefusalError(InputError):
    """A GPU does not take an engine whose file is whole: it may be full, and take it when another one is closed."""
