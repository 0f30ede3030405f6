"""Errors that a user can act on."""


class InputError(Exception):
    """Something that the user gave cannot be used.

    The message names the file, the value and the remedy; command lines print it without a traceback.
    """
