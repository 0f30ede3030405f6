"""What flies: frames in, verdicts out. Imports neither torch nor anything else from the ground."""

from onboard.detector import Detector
from onboard.errors import InputError
from onboard.messages import Answer, Status

__all__ = ["Answer", "Detector", "InputError", "Status"]
