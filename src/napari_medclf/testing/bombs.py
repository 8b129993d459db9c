"""Small packed files that unpack to gigabytes, made without packing gigabytes."""

from __future__ import annotations

import struct
import zlib

_BLOCK = 2**20


def deflate_bomb(head: bytes, n_mebibytes: int) -> bytes:
    """Raw deflate stream of `head` and then many zeros.

    A full flush makes each block independent of those before it, so one block can be repeated.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packer.compress(bytes(_BLOCK)) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + zeros * n_mebibytes + packer.flush(zlib.Z_FINISH)


def gzip_bomb(head: bytes, n_mebibytes: int) -> bytes:
    """As `deflate_bomb`, in gzip's wrapping (RFC 1952) with a wrong checksum."""
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + deflate_bomb(head, n_mebibytes) + struct.pack("<II", 0, 0)


def zlib_bomb(head: bytes, n_mebibytes: int) -> bytes:
    """As `deflate_bomb`, in zlib's wrapping (RFC 1950) with a wrong checksum."""
    return b"\x78\x9c" + deflate_bomb(head, n_mebibytes) + bytes(4)
