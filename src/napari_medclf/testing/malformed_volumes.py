"""Malformed NRRD, MetaImage and npz files."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from napari_medclf.testing.bombs import gzip_bomb, zlib_bomb
from napari_medclf.testing.malformed import (
    Allowed,
    MalformedCase,
    as_file,
    reference_samples,
)

_UNREADABLE, _WARNED, _RIGHT = Allowed.NOTHING, Allowed.WARNED, Allowed.REFERENCE
_NAN, _INF = float("nan"), float("inf")


def sound_nrrd(*, payload: bytes | None = None, **changes: str | None) -> bytes:
    """NRRD file of the reference, with fields changed, or taken away by None; ``_`` stands for a blank."""
    fields: dict[str, str | None] = {
        "type": "uint16",
        "dimension": "3",
        "sizes": "5 7 2",
        "endian": "little",
        "encoding": "raw",
        "space": "left-posterior-superior",
        "space directions": "(0.6,0,0) (0,0.75,0) (0,0,2.5)",
        "space origin": "(-31.25,12.375,104.5)",
        "kinds": "domain domain domain",
    }
    fields |= {name.replace("_", " "): value for name, value in changes.items()}
    lines = ["NRRD0005", "# SECRET^JANE", *(f"{name}: {value}" for name, value in fields.items() if value is not None)]
    samples = reference_samples().astype("<u2").tobytes()
    head = "\n".join([*lines, "PatientName:=SECRET^JANE"]) + "\n\n"
    return head.encode() + (samples if payload is None else payload)


def sound_meta_image(*, payload: bytes | None = None, **changes: str | None) -> bytes:
    """MetaImage (.mha) of the reference, with fields changed, or taken away by None."""
    fields: dict[str, str | None] = {
        "ObjectType": "Image",
        "NDims": "3",
        "Comment": "SECRET^JANE",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": "1 0 0 0 1 0 0 0 1",
        "Offset": "-31.25 12.375 104.5",
        "ElementSpacing": "0.6 0.75 2.5",
        "DimSize": "5 7 2",
        "ElementType": "MET_USHORT",
        "ElementDataFile": "LOCAL",
    }
    lines = [f"{name} = {value}" for name, value in (fields | changes).items() if value is not None]
    samples = reference_samples().astype("<u2").tobytes()
    return ("\n".join(lines) + "\n").encode() + (samples if payload is None else payload)


def cases() -> Iterator[MalformedCase]:
    """Every case of a volume in a file of its own."""
    for name, fields, allowed in _NRRD_FIELDS:
        yield _case("NRRD", name, lambda c=fields: sound_nrrd(**c), ".nrrd", allowed)  # type: ignore[misc]
    yield from _nrrd_files()
    for name, fields, allowed in _META_FIELDS:
        yield _case("MetaImage", name, lambda c=fields: sound_meta_image(**c), ".mha", allowed)  # type: ignore[misc]
    yield from _meta_files()
    yield from _npz()


def _case(group: str, name: str, content: Callable[[], bytes], suffix: str, allowed: Allowed) -> MalformedCase:
    return as_file(f"{group} {name}", group, content, suffix, allowed)


_NRRD_FIELDS: tuple[tuple[str, dict[str, Any], Allowed], ...] = (
    ("of negative size", {"sizes": "5 -7 2"}, _UNREADABLE),
    ("of size -5 and -7", {"sizes": "-5 -7 2"}, _UNREADABLE),
    ("of size 0", {"sizes": "5 0 2"}, _UNREADABLE),
    ("of huge size", {"sizes": "5000000 7000000 2000000"}, _UNREADABLE),
    ("of size abc", {"sizes": "a b c"}, _UNREADABLE),
    ("of four sizes", {"sizes": "5 7 1 2"}, _WARNED),
    ("of two sizes", {"sizes": "5 14"}, _WARNED),
    ("of dimension 99", {"dimension": "99"}, _WARNED),
    ("with one slice too many", {"sizes": "5 7 3"}, _UNREADABLE),
    ("with one slice too few", {"sizes": "5 7 1"}, _WARNED),
    ("of type block", {"type": "block"}, _UNREADABLE),
    ("of type SECRET", {"type": "SECRET^JANE"}, _UNREADABLE),
    ("without type", {"type": None}, _UNREADABLE),
    ("without endian", {"endian": None}, _RIGHT),
    ("with directions of NaN", {"space_directions": "(nan,0,0) (0,0.75,0) (0,0,2.5)"}, _UNREADABLE),
    ("with singular directions", {"space_directions": "(0.6,0,0) (0.6,0,0) (0,0,2.5)"}, _UNREADABLE),
    ("with two directions", {"space_directions": "(0.6,0,0) (0,0.75,0)"}, _UNREADABLE),
    ("with four directions", {"space_directions": "(0.6,0,0) (0,0.75,0) (0,0,2.5) (0,1,0)"}, _UNREADABLE),
    ("with directions abc", {"space_directions": "(a,b,c) (d,e,f) (g,h,i)"}, _UNREADABLE),
    ("with flat directions", {"space_directions": "(0.6,0) (0,0.75) (0,2.5)"}, _UNREADABLE),
    ("with an origin of NaN", {"space_origin": "(nan,0,0)"}, _UNREADABLE),
    ("with no origin", {"space_origin": None}, _WARNED),
    ("in a space of SECRET", {"space": "SECRET^JANE"}, _UNREADABLE),
    ("in no space", {"space": None}, _UNREADABLE),
    ("in scanner space", {"space": "scanner-xyz"}, _WARNED),
    ("in microns", {"space_units": '"um" "um" "um"'}, _WARNED),
    ("with spacings beside directions", {"spacings": "9 9 9"}, _RIGHT),
    ("with kinds that do not fit", {"kinds": "domain domain"}, _RIGHT),
    ("of three vectors", {"kinds": "vector vector vector"}, _UNREADABLE),
    ("with encoding SECRET", {"encoding": "SECRET^JANE"}, _UNREADABLE),
    ("with encoding bzip2 and none", {"encoding": "bzip2"}, _UNREADABLE),
    ("with encoding hex and none", {"encoding": "hex"}, _UNREADABLE),
    ("with encoding gzip and none", {"encoding": "gzip"}, _UNREADABLE),
    ("with its samples in /etc/passwd", {"data_file": "../../../../../../etc/passwd"}, _UNREADABLE),
    ("with its samples in /dev/zero", {"data_file": "/dev/zero"}, _UNREADABLE),
    ("with its samples in itself", {"datafile": "case.nrrd"}, _WARNED),
    ("with its samples in a list", {"data_file": "LIST"}, _UNREADABLE),
    ("with its samples in a billion files", {"data_file": "a%d.raw 1 1000000000 1"}, _UNREADABLE),
    ("skipping 1e9 lines", {"line_skip": "1000000000"}, _WARNED),
    ("skipping 4 bytes", {"byte_skip": "4"}, _WARNED),
    ("skipping -1 bytes", {"byte_skip": "-1"}, _RIGHT),
    ("with a measurement frame of NaN", {"measurement_frame": "(nan,0,0) (0,1,0) (0,0,1)"}, _RIGHT),
)


def _nrrd_files() -> Iterator[MalformedCase]:
    group, whole = "NRRD", sound_nrrd()
    for n_bytes in (4, 8, 40, 200, len(whole) - 1):
        yield _case(group, f"cut at byte {n_bytes}", lambda n=n_bytes: whole[:n], ".nrrd", _UNREADABLE)  # type: ignore[misc]
    yield _case(group, "with an endless header", lambda: b"NRRD0005\n" + b"a: b\n" * 3_000_000, ".nrrd", _UNREADABLE)
    yield _case(
        group,
        "packed 3 GiB",
        lambda: sound_nrrd(encoding="gzip", sizes="1024 1024 1536", payload=gzip_bomb(b"", 3072)),
        ".nrrd",
        _UNREADABLE,
    )
    samples = reference_samples().tobytes()
    yield _case(
        group,
        "packed 3 GiB after its samples",
        lambda: sound_nrrd(encoding="gzip", payload=gzip_bomb(samples, 3072)),
        ".nrrd",
        _RIGHT,
    )
    yield _case(
        group,
        "packed and cut",
        lambda: sound_nrrd(encoding="gzip", payload=gzip.compress(samples)[:-30]),
        ".nrrd",
        _UNREADABLE,
    )
    yield _case(
        group,
        "with the header twice",
        lambda: sound_nrrd(type="uint8").partition(b"\n\n")[0] + b"\ntype: uint16\n\n" + samples,
        ".nrrd",
        _RIGHT,
    )


_META_FIELDS: tuple[tuple[str, dict[str, Any], Allowed], ...] = (
    ("of negative size", {"DimSize": "5 -7 2"}, _UNREADABLE),
    ("of size -5 and -7", {"DimSize": "-5 -7 2"}, _UNREADABLE),
    ("of size 0", {"DimSize": "5 0 2"}, _UNREADABLE),
    ("of huge size", {"DimSize": "5000000 7000000 2000000"}, _UNREADABLE),
    ("of size abc", {"DimSize": "a b c"}, _UNREADABLE),
    ("of two sizes", {"DimSize": "5 14"}, _WARNED),
    ("of 99 dimensions", {"NDims": "99"}, _UNREADABLE),
    ("of 0 dimensions", {"NDims": "0"}, _UNREADABLE),
    ("with one slice too many", {"DimSize": "5 7 3"}, _UNREADABLE),
    ("of type SECRET", {"ElementType": "SECRET^JANE"}, _UNREADABLE),
    ("without type", {"ElementType": None}, _UNREADABLE),
    ("without spacing", {"ElementSpacing": None}, _WARNED),
    ("of spacing 0", {"ElementSpacing": "0 0 0"}, _WARNED),
    ("of spacing NaN", {"ElementSpacing": "nan nan nan"}, _WARNED),
    ("of negative spacing", {"ElementSpacing": "-0.6 0.75 2.5"}, _WARNED),
    ("with directions of NaN", {"TransformMatrix": "nan 0 0 0 1 0 0 0 1"}, _UNREADABLE),
    ("with singular directions", {"TransformMatrix": "1 0 0 1 0 0 0 0 1"}, _UNREADABLE),
    ("with directions of zeros", {"TransformMatrix": "0 0 0 0 0 0 0 0 0"}, _UNREADABLE),
    ("with four directions", {"TransformMatrix": "1 0 0 1"}, _UNREADABLE),
    ("with an origin of NaN", {"Offset": "nan 0 0"}, _UNREADABLE),
    ("with an origin of two", {"Offset": "1 2"}, _WARNED),
    ("with its samples in /etc/passwd", {"ElementDataFile": "../../../../../../etc/passwd"}, _UNREADABLE),
    ("with its samples in /dev/zero", {"ElementDataFile": "/dev/zero"}, _UNREADABLE),
    ("with its samples in a list", {"ElementDataFile": "LIST\n/etc/passwd"}, _UNREADABLE),
    ("with its samples in a billion files", {"ElementDataFile": "a%d.raw 1 1000000000 1"}, _UNREADABLE),
    ("without a data file", {"ElementDataFile": None}, _UNREADABLE),
    ("packed and not", {"CompressedData": "True"}, _UNREADABLE),
    ("in text and not", {"BinaryData": "False"}, _UNREADABLE),
    ("with a header of -1", {"HeaderSize": "-1"}, _RIGHT),
    ("with a header of 1e18", {"HeaderSize": "1000000000000000000"}, _WARNED),
    ("of two channels and one there", {"ElementNumberOfChannels": "2"}, _UNREADABLE),
    ("of 1e9 channels", {"ElementNumberOfChannels": "1000000000"}, _UNREADABLE),
)


def _meta_files() -> Iterator[MalformedCase]:
    group, whole = "MetaImage", sound_meta_image()
    for n_bytes in (10, 60, 200, len(whole) - 1):
        yield _case(group, f"cut at byte {n_bytes}", lambda n=n_bytes: whole[:n], ".mha", _UNREADABLE)  # type: ignore[misc]
    yield _case(
        group, "with an endless header", lambda: b"ObjectType = Image\n" + b"a = b\n" * 3_000_000, ".mha", _UNREADABLE
    )
    yield _case(
        group,
        "packed 3 GiB",
        lambda: sound_meta_image(CompressedData="True", DimSize="1024 1024 1536", payload=zlib_bomb(b"", 3072)),
        ".mha",
        _UNREADABLE,
    )


def _npz() -> Iterator[MalformedCase]:
    def packed(members: dict[str, bytes]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return buffer.getvalue()

    def array(header: str, content: bytes = b"") -> bytes:
        text = header.encode() + b" " * (-(len(header) + 11) % 16) + b"\n"
        return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + content

    pickle = b"\x80\x04c__builtin__\nopen\n(X\x07\0\0\0hackedqX\1\0\0\0wtR."
    odd = {
        "of a pickle": array("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", pickle),
        "of 10^15 samples": array("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000000, 28, 28), }"),
        "of negative shape": array("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 28, 28), }"),
        "of code": array("{'descr': __import__('os').system('touch hacked'), 'shape': (1,)}"),
        "of noise": random.Random(8).randbytes(500),
        "of nothing": b"",
    }
    for name, member in odd.items():
        members = {f"{split}_{what}.npy": member for split in ("train", "val", "test") for what in ("images", "labels")}
        yield _case("npz", name, lambda m=members: packed(m), ".npz", _UNREADABLE)  # type: ignore[misc]
    yield _case("npz", "without members", lambda: packed({}), ".npz", _UNREADABLE)
    yield _case("npz", "cut", lambda: packed({"train_images.npy": bytes(5000)})[:-30], ".npz", _UNREADABLE)
