"""Malformed PNG, JPEG, TIFF, GIF and BMP files."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence

from napari_medclf.testing.bombs import zlib_bomb
from napari_medclf.testing.malformed import Allowed, MalformedCase, as_file, reference_samples
from napari_medclf.testing.malformed_dicom import jpeg_head

_UNREADABLE, _WARNED, _RIGHT = Allowed.NOTHING, Allowed.WARNED, Allowed.PICTURE
_NAME = b"SECRET^JANE"
_HEIGHT, _WIDTH = 7, 5
# LZW codes of a picture of 10 x 10 in two colours.
_GIF_SAMPLES = bytes.fromhex("02168c2d99872a1cdc33a00275ec95faa8de608c04914c0100")


def sound_png(*, height: int = _HEIGHT, width: int = _WIDTH, bits: int = 16, packed: bytes | None = None) -> bytes:
    """PNG of the first slice of the reference (ISO 15948), in gray of 16 bits."""
    head = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    data = zlib.compress(_png_rows()) if packed is None else packed
    chunks = [(b"IHDR", head), (b"tEXt", b"Comment\0" + _NAME), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in chunks)


def sound_tiff(
    tags: dict[int, tuple[int, int, int]] | None = None,
    *,
    without: Sequence[int] = (),
    next_directory: int = 0,
    n_entries: int | None = None,
    samples: bytes | None = None,
) -> bytes:
    """TIFF of the first slice of the reference (TIFF 6.0): one strip, samples at byte 8.

    Parameters
    ----------
    tags : dict of tag to (type, count, value)
        Entries that replace or add to the sound ones.
    next_directory : int
        Where the next directory is claimed to be; -1 for this one again.
    """
    content = reference_samples()[0].tobytes() if samples is None else samples
    entries: dict[int, tuple[int, int, int]] = {
        256: (4, 1, _WIDTH), 257: (4, 1, _HEIGHT), 258: (3, 1, 16), 259: (3, 1, 1), 262: (3, 1, 1),
        273: (4, 1, 8), 277: (3, 1, 1), 278: (4, 1, _HEIGHT), 279: (4, 1, len(content)),
        315: (2, len(_NAME) + 1, 8 + len(content)),
    }  # fmt: skip
    entries |= tags or {}
    kept = sorted((tag, entry) for tag, entry in entries.items() if tag not in without)
    body = content + _NAME + b"\0"
    start = 8 + len(body) + len(body) % 2
    directory = struct.pack("<H", len(kept) if n_entries is None else n_entries)
    directory += b"".join(struct.pack("<HHII", tag, *entry) for tag, entry in kept)
    directory += struct.pack("<I", start if next_directory == -1 else next_directory)
    return b"II*\0" + struct.pack("<I", start) + body + b"\0" * (len(body) % 2) + directory


def cases() -> Iterator[MalformedCase]:
    """Every case of a picture."""
    yield from _png()
    yield from _tiff()
    yield from _jpeg()
    yield from _gif_and_bmp()


def _case(group: str, name: str, content: Callable[[], bytes], suffix: str, allowed: Allowed) -> MalformedCase:
    return as_file(f"{group} {name}", group, content, suffix, allowed)


def _png_rows() -> bytes:
    return b"".join(b"\0" + row.astype(">u2").tobytes() for row in reference_samples()[0])


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png() -> Iterator[MalformedCase]:
    whole = sound_png()
    odd: dict[str, tuple[Callable[[], bytes], Allowed]] = {
        "sound": (lambda: whole, _RIGHT),
        "of 2^31 - 1 squared": (lambda: sound_png(height=2**31 - 1, width=2**31 - 1), _UNREADABLE),
        "of 2^32 - 1 squared": (lambda: sound_png(height=2**32 - 1, width=2**32 - 1), _UNREADABLE),
        "of 60000 squared": (lambda: sound_png(height=60000, width=60000), _UNREADABLE),
        "of height 0": (lambda: sound_png(height=0), _UNREADABLE),
        "of 3 bits": (lambda: sound_png(bits=3), _UNREADABLE),
        "one row too many": (lambda: sound_png(height=8), _WARNED),
        "packed 3 GiB": (lambda: sound_png(height=40000, width=40000, packed=zlib_bomb(b"", 3072)), _UNREADABLE),
        "packed 3 GiB after its samples": (lambda: sound_png(packed=zlib_bomb(_png_rows(), 3072)), _RIGHT),
        "of packed noise": (lambda: sound_png(packed=random.Random(9).randbytes(90)), _UNREADABLE),
        "with a wrong checksum": (lambda: whole[:-20] + bytes(4) + whole[-16:], _WARNED),
        "with a comment of 1 GiB": (
            lambda: whole[:33] + _chunk(b"zTXt", b"Comment\0\0" + zlib_bomb(_NAME, 1024)) + whole[33:],
            _RIGHT,
        ),
        "with a chunk of 2 GiB": (lambda: whole[:33] + b"\x7f\xff\xff\xfftEXt" + whole[33:], _UNREADABLE),
        "without samples": (lambda: whole[:33] + _chunk(b"IEND", b""), _UNREADABLE),
    }
    for name, (content, allowed) in odd.items():
        yield _case("PNG", name, content, ".png", allowed)
    for n_bytes in (8, 20, 33, 60, len(whole) - 30):
        yield _case("PNG", f"cut at byte {n_bytes}", lambda n=n_bytes: whole[:n], ".png", _UNREADABLE)  # type: ignore[misc]


def _tiff() -> Iterator[MalformedCase]:
    whole = sound_tiff()
    odd: dict[str, tuple[Callable[[], bytes], Allowed]] = {
        "sound": (lambda: whole, _RIGHT),
        "that follows itself": (lambda: sound_tiff(next_directory=-1), _WARNED),
        "whose next page is at its samples": (lambda: sound_tiff(next_directory=8), _WARNED),
        "whose next page is beyond its end": (lambda: sound_tiff(next_directory=0xFFFFFF00), _WARNED),
        "whose first page is beyond its end": (lambda: b"II*\0\xf0\xff\xff\xff" + whole[8:], _UNREADABLE),
        "whose first page is itself": (lambda: b"II*\0\0\0\0\0" + whole[8:], _UNREADABLE),
        "of 65535 entries": (lambda: sound_tiff(n_entries=65535), _WARNED),
        "of 0 entries": (lambda: sound_tiff(n_entries=0), _UNREADABLE),
        "of 4 billion squared": (lambda: sound_tiff({256: (4, 1, 2**32 - 1), 257: (4, 1, 2**32 - 1)}), _UNREADABLE),
        "of 60000 squared": (lambda: sound_tiff({256: (4, 1, 60000), 257: (4, 1, 60000)}), _UNREADABLE),
        "of width 0": (lambda: sound_tiff({256: (4, 1, 0)}), _UNREADABLE),
        "of 0 bits": (lambda: sound_tiff({258: (3, 1, 0)}), _UNREADABLE),
        "of 65535 bits": (lambda: sound_tiff({258: (3, 1, 65535)}), _UNREADABLE),
        "of 65535 samples a pixel": (lambda: sound_tiff({277: (3, 1, 65535)}), _UNREADABLE),
        "without a width": (lambda: sound_tiff(without=[256]), _UNREADABLE),
        "without strips": (lambda: sound_tiff(without=[273, 279]), _UNREADABLE),
        "whose strip is beyond its end": (lambda: sound_tiff({273: (4, 1, 0xFFFFFF00)}), _UNREADABLE),
        "whose strip is 4 GiB": (lambda: sound_tiff({279: (4, 1, 0xFFFFFFF0)}), _RIGHT),
        "of 4 billion strips": (lambda: sound_tiff({273: (4, 0xFFFFFFFF, 8)}), _WARNED),
        "of one row a strip and one strip": (lambda: sound_tiff({278: (4, 1, 1)}), _RIGHT),
        "with 0 rows a strip": (lambda: sound_tiff({278: (4, 1, 0)}), _RIGHT),
        "of packing 65000": (lambda: sound_tiff({259: (3, 1, 65000)}), _UNREADABLE),
        "of LZW noise": (lambda: sound_tiff({259: (3, 1, 5)}, samples=random.Random(10).randbytes(70)), _UNREADABLE),
        "of packed noise": (lambda: sound_tiff({259: (3, 1, 8)}, samples=random.Random(11).randbytes(70)), _UNREADABLE),
        "packed 3 GiB": (
            lambda: sound_tiff(
                {259: (3, 1, 8), 256: (4, 1, 40000), 257: (4, 1, 40000), 278: (4, 1, 40000)},
                samples=zlib_bomb(b"", 3072),
            ),
            _UNREADABLE,
        ),
        "of a type unknown": (lambda: sound_tiff({258: (99, 1, 16)}), _UNREADABLE),
        "of tiles of 0": (lambda: sound_tiff({322: (4, 1, 0), 323: (4, 1, 0), 324: (4, 1, 8)}), _WARNED),
        "large, that follows itself": (
            lambda: b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 0) + struct.pack("<Q", 16) * 4,
            _UNREADABLE,
        ),
    }
    for name, (content, allowed) in odd.items():
        yield _case("TIFF", name, content, ".tif", allowed)
    for n_bytes in (4, 8, 40, len(whole) - 10, len(whole) - 60):
        yield _case("TIFF", f"cut at byte {n_bytes}", lambda n=n_bytes: whole[:n], ".tif", _UNREADABLE)  # type: ignore[misc]


def _jpeg() -> Iterator[MalformedCase]:
    odd = {
        "of 65535 squared": jpeg_head(65535, 65535),
        "of 0 squared": jpeg_head(0, 0),
        "of 2000 squared and 20 bytes": jpeg_head(2000, 2000),
        "of noise": b"\xff\xd8\xff\xe0" + random.Random(12).randbytes(800),
        "of its first bytes": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
        "of 30000 empty segments": b"\xff\xd8" + b"\xff\xfe\0\x02" * 30000 + b"\xff\xd9",
    }
    for name, content in odd.items():
        allowed = _WARNED if name.endswith("20 bytes") else _UNREADABLE
        yield _case("JPEG", name, lambda c=content: c, ".jpg", allowed)  # type: ignore[misc]


def _gif_and_bmp() -> Iterator[MalformedCase]:
    def gif(
        height: int,
        width: int,
        n_frames: int = 1,
        data: bytes = _GIF_SAMPLES,
    ) -> bytes:
        head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes([0, 0, 0, 255, 255, 255])
        frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + data
        return head + frame * n_frames + b";"

    def bmp(height: int, width: int, bits: int = 8, offset: int = 1078) -> bytes:
        head = b"BM" + struct.pack("<IHHI", 1200, 0, 0, offset)
        info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, 0, 0, 256, 0)
        return head + info + b"".join(bytes([n, n, n, 0]) for n in range(256)) + bytes(56)

    odd: dict[str, tuple[str, bytes, Allowed]] = {
        "GIF of 65535 squared": (".gif", gif(65535, 65535), _UNREADABLE),
        "GIF of 0 squared": (".gif", gif(0, 0), _UNREADABLE),
        "GIF of 65535 squared 5000 times": (".gif", gif(65535, 65535, 5000), _UNREADABLE),
        "GIF of noise": (".gif", gif(10, 10, data=b"\x08" + random.Random(13).randbytes(200)), _WARNED),
        "GIF of its header": (".gif", gif(10, 10)[:13], _UNREADABLE),
        "GIF cut": (".gif", gif(10, 10)[:30], _UNREADABLE),
        "BMP of 2^31 - 1 squared": (".bmp", bmp(2**31 - 1, 2**31 - 1), _UNREADABLE),
        "BMP of 60000 squared": (".bmp", bmp(60000, 60000), _UNREADABLE),
        "BMP of negative width": (".bmp", bmp(7, -5), _UNREADABLE),
        "BMP of width 0": (".bmp", bmp(7, 0), _UNREADABLE),
        "BMP of 0 bits": (".bmp", bmp(7, 5, bits=0), _UNREADABLE),
        "BMP of 99 bits": (".bmp", bmp(7, 5, bits=99), _UNREADABLE),
        "BMP whose samples are beyond its end": (".bmp", bmp(7, 5, offset=2**31), _UNREADABLE),
        "BMP of one row too many": (".bmp", bmp(8, 5), _UNREADABLE),
        "BMP of its header": (".bmp", bmp(7, 5)[:20], _UNREADABLE),
    }
    for name, (suffix, content, allowed) in odd.items():
        yield as_file(name, name[:3], lambda c=content: c, suffix, allowed)  # type: ignore[misc]
