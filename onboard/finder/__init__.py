"""Boxes for frames that come without one: a bright object before dark space, followed from frame to frame."""

from onboard.finder.config import FinderConfig
from onboard.finder.find import Finder, Found
from onboard.finder.follow import Boxed, Boxes

__all__ = ["Boxed", "Boxes", "Finder", "FinderConfig", "Found"]
