"""Malformed NIfTI, NRRD, MetaImage, Analyze and npz files."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.testing.bombs import gzip_bomb, zlib_bomb
from napari_medclf.testing.malformed import (
    Allowed,
    MalformedCase,
    as_file,
    reference_affine,
    reference_samples,
)

_UNREADABLE, _WARNED, _RIGHT = Allowed.NOTHING, Allowed.WARNED, Allowed.REFERENCE
_NAN, _INF = float("nan"), float("inf")
# Field to (offset, struct code) of a NIfTI-1 header, nifti1.h.
_NIFTI = {
    "sizeof_hdr": (0, "i"), "aux_file": (228, "24s"), "descrip": (148, "80s"), "dim": (40, "8h"),
    "datatype": (70, "h"), "bitpix": (72, "h"), "pixdim": (76, "8f"), "vox_offset": (108, "f"),
    "scl_slope": (112, "f"), "scl_inter": (116, "f"), "xyzt_units": (123, "b"), "cal_max": (124, "f"),
    "qform_code": (252, "h"), "sform_code": (254, "h"), "quatern_b": (256, "f"), "srow_x": (280, "4f"),
    "srow_y": (296, "4f"), "srow_z": (312, "4f"), "intent_name": (328, "16s"), "magic": (344, "4s"),
    "db_name": (14, "18s"),
}  # fmt: skip


def sound_nifti(*, payload: bytes | None = None, order: str = "<", **changes: Any) -> bytes:
    """NIfTI-1 file of the reference, with fields changed as given (a tuple for an array)."""
    to_ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ reference_affine()[:, [2, 1, 0, 3]]
    fields: dict[str, Any] = {
        "sizeof_hdr": 348, "descrip": b"SECRET^JANE", "aux_file": b"SECRET^JANE", "db_name": b"SECRET^JANE",
        "intent_name": b"SECRET^JANE", "dim": (3, 5, 7, 2, 1, 1, 1, 1), "datatype": 512, "bitpix": 16,
        "pixdim": (1.0, 0.6, 0.75, 2.5, 1.0, 1.0, 1.0, 1.0), "vox_offset": 352.0, "scl_slope": 1.0, "xyzt_units": 2,
        "sform_code": 1, "srow_x": tuple(to_ras[0]), "srow_y": tuple(to_ras[1]), "srow_z": tuple(to_ras[2]),
        "magic": b"n+1\0",
    }  # fmt: skip
    head = bytearray(348)
    for name, value in (fields | changes).items():
        offset, code = _NIFTI[name]
        struct.pack_into(order + code, head, offset, *(value if isinstance(value, tuple) else (value,)))
    samples = reference_samples().astype(f"{order}u2").tobytes()
    return bytes(head) + bytes(4) + (samples if payload is None else payload)


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
    for name, changes, allowed in _NIFTI_FIELDS:
        yield _case("NIfTI", name, lambda c=changes: sound_nifti(**c), ".nii", allowed)  # type: ignore[misc]
    yield from _nifti_files()
    yield from _nifti_2()
    for name, fields, allowed in _NRRD_FIELDS:
        yield _case("NRRD", name, lambda c=fields: sound_nrrd(**c), ".nrrd", allowed)  # type: ignore[misc]
    yield from _nrrd_files()
    for name, fields, allowed in _META_FIELDS:
        yield _case("MetaImage", name, lambda c=fields: sound_meta_image(**c), ".mha", allowed)  # type: ignore[misc]
    yield from _meta_files()
    yield from _analyze()
    yield from _npz()


def _case(group: str, name: str, content: Callable[[], bytes], suffix: str, allowed: Allowed) -> MalformedCase:
    return as_file(f"{group} {name}", group, content, suffix, allowed)


_NIFTI_FIELDS: tuple[tuple[str, dict[str, Any], Allowed], ...] = (
    ("of 0 dimensions", {"dim": (0, 5, 7, 2, 1, 1, 1, 1)}, _UNREADABLE),
    ("of 8 dimensions", {"dim": (8, 5, 7, 2, 1, 1, 1, 1)}, _UNREADABLE),
    ("of -1 dimensions", {"dim": (-1, 5, 7, 2, 1, 1, 1, 1)}, _UNREADABLE),
    ("of size 0", {"dim": (3, 5, 0, 2, 1, 1, 1, 1)}, _UNREADABLE),
    ("of size -7", {"dim": (3, 5, -7, 2, 1, 1, 1, 1)}, _UNREADABLE),
    ("of size -7 and -5", {"dim": (3, -5, -7, 2, 1, 1, 1, 1)}, _UNREADABLE),
    ("of 32767 cubed", {"dim": (3, 32767, 32767, 32767, 1, 1, 1, 1)}, _UNREADABLE),
    ("of 32767 to the seventh", {"dim": (7, *[32767] * 7)}, _UNREADABLE),
    ("with one slice too many", {"dim": (3, 5, 7, 3, 1, 1, 1, 1)}, _UNREADABLE),
    ("of type 12345", {"datatype": 12345}, _UNREADABLE),
    ("of type 0", {"datatype": 0}, _UNREADABLE),
    ("of complex type", {"datatype": 32, "bitpix": 64}, _UNREADABLE),
    ("of 8 bits by bitpix", {"bitpix": 8}, _RIGHT),
    ("with its samples at 0", {"vox_offset": 0.0}, _RIGHT),
    ("with its samples at 1e9", {"vox_offset": 1e9}, _UNREADABLE),
    ("with its samples at -40", {"vox_offset": -40.0}, _RIGHT),
    ("with its samples at NaN", {"vox_offset": _NAN}, _UNREADABLE),
    ("with its samples at 1e30", {"vox_offset": 1e30}, _UNREADABLE),
    ("with its samples one byte off", {"vox_offset": 351.0}, _WARNED),
    ("with an sform of NaN", {"srow_x": (_NAN,) * 4}, _WARNED),
    ("with an infinite sform", {"srow_z": (0.0, 0.0, 2.5, _INF)}, _WARNED),
    ("with a singular sform", {"srow_x": (0.0,) * 4}, _WARNED),
    ("with an sform of 1e38", {"srow_x": (1e38, 0.0, 0.0, 0.0)}, _WARNED),
    ("with neither form", {"sform_code": 0}, _WARNED),
    ("with neither form and no spacing", {"sform_code": 0, "pixdim": (0.0,) * 8}, _WARNED),
    ("with a qform that is none", {"sform_code": 0, "qform_code": 1, "quatern_b": 7.0}, _WARNED),
    ("with a qform of NaN", {"sform_code": 0, "qform_code": 1, "quatern_b": _NAN}, _WARNED),
    ("with forms that disagree", {"qform_code": 1}, _WARNED),
    ("with spacing NaN", {"pixdim": (1.0, _NAN, _NAN, _NAN, 1.0, 1.0, 1.0, 1.0)}, _RIGHT),
    ("with negative spacing", {"pixdim": (1.0, -0.6, -0.75, -2.5, 1.0, 1.0, 1.0, 1.0)}, _RIGHT),
    ("with slope NaN", {"scl_slope": _NAN}, _RIGHT),
    ("with slope 0", {"scl_slope": 0.0}, _RIGHT),
    ("with slope infinite", {"scl_slope": _INF}, _WARNED),
    ("with slope 1e38", {"scl_slope": 1e38}, _WARNED),
    ("with intercept NaN", {"scl_inter": _NAN}, _WARNED),
    ("with intercept infinite", {"scl_inter": _INF}, _WARNED),
    ("with unit 7", {"xyzt_units": 7}, _WARNED),
    ("with a window up to NaN", {"cal_max": _NAN}, _RIGHT),
    ("with another magic", {"magic": b"nope"}, _UNREADABLE),
    ("whose header is 349 bytes", {"sizeof_hdr": 349}, _RIGHT),
    ("in big-endian order", {"order": ">"}, _RIGHT),
)


def _nifti_files() -> Iterator[MalformedCase]:
    group, whole, noise = "NIfTI", sound_nifti(), random.Random(6).randbytes(3000)
    for n_bytes in (0, 4, 100, 347, 348, 352, 400, len(whole) - 1):
        yield _case(group, f"cut at byte {n_bytes}", lambda n=n_bytes: whole[:n], ".nii", _UNREADABLE)  # type: ignore[misc]
    yield _case(group, "of noise", lambda: noise, ".nii", _UNREADABLE)
    yield _case(group, "with trailing noise", lambda: whole + noise[:256], ".nii", _RIGHT)
    later = sound_nifti(vox_offset=368.0)
    for name, size in (("endless", 0x7FFFFFF0), ("negative", -16), ("empty", 0)):
        odd = later[:348] + b"\1\0\0\0" + struct.pack("<ii8s", size, 4, b"SECRET^J") + later[352:]
        yield _case(group, f"with an {name} extension".replace("an n", "a n"), lambda o=odd: o, ".nii", _RIGHT)  # type: ignore[misc]
    packed = gzip.compress(whole, mtime=0)
    yield _case(group, "packed and cut", lambda: packed[:-30], ".nii.gz", _UNREADABLE)
    yield _case(group, "packed, checksum wrong", lambda: packed[:-8] + bytes(4) + packed[-4:], ".nii.gz", _WARNED)
    yield _case(group, "packed, length wrong", lambda: packed[:-4] + b"\xff\xff\xff\x7f", ".nii.gz", _WARNED)
    yield _case(group, "packed twice", lambda: gzip.compress(packed, mtime=0), ".nii.gz", _UNREADABLE)
    yield _case(group, "packed noise", lambda: b"\x1f\x8b" + noise, ".nii.gz", _UNREADABLE)
    yield _case(group, "named packed and plain", lambda: whole, ".nii.gz", _RIGHT)
    yield _case(group, "named plain and packed", lambda: packed, ".nii", _RIGHT)
    yield _case(group, "packed 3 GiB after its samples", lambda: gzip_bomb(whole, 3072), ".nii.gz", _RIGHT)
    large = sound_nifti(dim=(3, 4096, 4096, 1000, 1, 1, 1, 1), payload=b"")
    yield _case(group, "packed, declaring 30 GiB", lambda: gzip_bomb(large, 300), ".nii.gz", _UNREADABLE)
    lying = sound_nifti(dim=(3, 30000, 30000, 3000, 1, 1, 1, 1), payload=b"")
    yield _case(group, "packed, declaring 5 TB", lambda: gzip_bomb(lying, 3), ".nii.gz", _UNREADABLE)


def _nifti_2() -> Iterator[MalformedCase]:
    def second(*sizes: int) -> bytes:
        head = bytearray(540)
        struct.pack_into("<i8shh8q", head, 0, 540, b"n+2\0\r\n\x1a\n", 512, 16, 3, *sizes, 1, 1, 1, 1)
        struct.pack_into("<8d", head, 104, 1, 0.6, 0.75, 2.5, 1, 1, 1, 1)
        struct.pack_into("<q", head, 168, 544)
        return bytes(head) + bytes(4) + reference_samples().tobytes()

    for name, sizes in (
        ("of 2^62 voxels", (2**62, 1, 1)),
        ("whose size overflows to 70", (2**32, 2**32, 2)),
        ("of size -5", (-5, 7, 2)),
        ("of size -5 and -7", (-5, -7, 2)),
    ):
        yield _case("NIfTI-2", name, lambda n=sizes: second(*n), ".nii", _UNREADABLE)  # type: ignore[misc]


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


def _analyze() -> Iterator[MalformedCase]:
    def pair(name: str, image: bytes | None, allowed: Allowed, **changes: Any) -> MalformedCase:
        def build(folder: Path) -> Path:
            head = sound_nifti(payload=b"", magic=b"\0\0\0\0", sform_code=0, vox_offset=0.0, **changes)[:348]
            (folder / "case.hdr").write_bytes(head)
            if image is not None:
                (folder / "case.img").write_bytes(image)
            return folder / "case.hdr"

        return MalformedCase(f"Analyze {name}", "Analyze", build, allowed)

    samples = reference_samples().astype("<i2").tobytes()
    yield pair("without its samples", None, _UNREADABLE)
    yield pair("with its samples cut", samples[:-5], _UNREADABLE, datatype=4)
    yield pair("of huge size", samples, _UNREADABLE, datatype=4, dim=(4, 32767, 32767, 32767, 2, 1, 1, 1))
    yield pair("of size -7", samples, _UNREADABLE, datatype=4, dim=(4, 5, -7, 2, 1, 1, 1, 1))
    yield pair("of unknown type", samples, _UNREADABLE, datatype=77)


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
