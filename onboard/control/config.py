"""Where a node listens for commands."""

from typing import Annotated

import msgspec

from onboard.sockets import Curve


class ControlConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The control socket; docs/control.md.

    Attributes:
        endpoint: where it waits: tcp://127.0.0.1:5557, ipc:///run/debris/control; beyond this host only with keys.
        curve: keys of this node, and the folder of those who may command it.
        answer_s: a command that the loop has not come to within this time is withdrawn, and its sender told so.
    """

    endpoint: str
    curve: Curve | None = None
    answer_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 10
