"""Source data in, space packets out: headers, counts and times."""

import struct
import threading
import time
from collections import Counter
from collections.abc import Callable

from onboard.errors import InputError
from onboard.telemetry.config import TelemetryConfig

MOST_BYTES = 65_507  # one UDP datagram
Send = Callable[[bytes, bool], None]
_CUC_BOOT = 0x2F  # agency-defined epoch, 4 octets of seconds, 3 of a second's fraction


class Packets:
    """Makes packets, and hands each over in the order of its sequence count; any thread may.

    Args:
        config: APID, destination and time code.
        send: takes a packet, and whether it tells of a loss; does not wait.

    Raises:
        InputError: spacepackets is not installed.
    """

    def __init__(self, config: TelemetryConfig, send: Send) -> None:
        try:
            from spacepackets.ccsds.time import CdsShortTimestamp
            from spacepackets.ecss.tm import PusTm
        except ImportError as error:
            raise InputError(
                "telemetry: needs spacepackets, which is not installed; pip install 'debris-rider[telemetry]'"
            ) from error
        self._packet, self._config, self._send = PusTm, config, send
        self._stamp: Callable[[], bytes] = (
            (lambda: CdsShortTimestamp.now().pack()) if config.time_code == "cds" else since_boot
        )
        self._alone = threading.Lock()
        self._sequence = 0
        self._of_type: Counter[tuple[int, int]] = Counter()

    def add(self, service: int, subtype: int, source: Callable[[], bytes], tells_loss: bool = False) -> None:
        """Make a packet and send it.

        Args:
            service, subtype: of it.
            source: makes its source data, when its counts are used already: the ground sees a gap where it cannot.
            tells_loss: whether it is one of the events `LOSSES`.

        Raises:
            ValueError: more data than a packet holds; its counts are used, too.
            Exception: whatever `source` raises.
        """
        with self._alone:  # so that counts go out in their order
            sequence, count = self._sequence, self._of_type[service, subtype]
            self._sequence = (sequence + 1) & 0x3FFF
            self._of_type[service, subtype] = (count + 1) & 0xFFFF
            packet = self._packet(
                service=service,
                message_subtype=subtype,
                timestamp=self._stamp(),
                source_data=source(),
                apid=self._config.apid,
                seq_count=sequence,
                message_counter=count,
                destination_id=self._config.destination_id,
            )
            if packet.packet_len > MOST_BYTES:
                raise ValueError(f"packet {service}/{subtype} of {packet.packet_len} bytes, {MOST_BYTES} at most")
            self._send(bytes(packet.pack()), tells_loss)


def since_boot() -> bytes:
    """CUC of the host's monotonic clock, which exposures are stamped with: 4 octets of seconds, 3 of 2^-24 s."""
    seconds, rest_ns = divmod(time.monotonic_ns(), 1_000_000_000)
    fraction = (rest_ns << 24) // 1_000_000_000
    return struct.pack(">BI", _CUC_BOOT, seconds & 0xFFFFFFFF) + fraction.to_bytes(3, "big")
