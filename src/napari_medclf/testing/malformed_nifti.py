"""Malformed NIfTI and Analyze files."""

from __future__ import annotations

import gzip
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.testing.bombs import gzip_bomb
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


def cases() -> Iterator[MalformedCase]:
    """Every case of a NIfTI or Analyze file."""
    for name, changes, allowed in _NIFTI_FIELDS:
        yield _case("NIfTI", name, lambda c=changes: sound_nifti(**c), ".nii", allowed)  # type: ignore[misc]
    yield from _nifti_files()
    yield from _nifti_2()
    yield from _analyze()


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
