"""Pixel formats by their GenICam names and numbers (PFNC), so that a camera's own value goes on the wire unchanged."""

import enum


class PixelFormat(enum.IntEnum):
    """Bits 16 to 23 of each number are the bits that one pixel takes."""

    Mono8 = 0x01080001
    Mono10 = 0x01100003
    Mono12 = 0x01100005
    Mono10p = 0x010A0046
    Mono12p = 0x010C0047
    Mono10Packed = 0x010C0004  # GigE Vision's own packing, as is the next one
    Mono12Packed = 0x010C0006
    BayerGR8 = 0x01080008
    BayerRG8 = 0x01080009
    BayerGB8 = 0x0108000A
    BayerBG8 = 0x0108000B
    RGB8 = 0x02180014
    BGR8 = 0x02180015

    @property
    def bits(self) -> int:
        """Bits of one pixel, with the padding of unpacked formats."""
        return self >> 16 & 0xFF

    def row_bytes(self, width: int) -> int:
        """Bytes of one row without padding behind it; every row begins at a whole byte, packed ones too."""
        return (width * (self >> 16 & 0xFF) + 7) // 8
