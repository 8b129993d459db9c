"""What one DICOM file says about its image, without its samples."""

from __future__ import annotations

import hashlib
import math
import unicodedata
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Vector3
from napari_medclf.io.dicom.kinds import check_kind
from napari_medclf.io.dicom.scale import Spacing, find_spacing
from napari_medclf.io.preflight import check_budget, check_file, refusing

_DEFLATED = "1.2.840.10008.1.2.1.99"
_PREAMBLE = 132
_CHUNK = 2**20
_PIXEL_DATA = (0x7FE0, 0x0010)
_UNDEFINED_LENGTH = 0xFFFFFFFF
# What tells apart images that lie at one place, in the order in which it is tried.
_REPEAT_KEYS = (
    ("EchoNumbers", "echo"),
    ("EchoTime", "echo time"),
    ("TemporalPositionIdentifier", "time"),
    ("AcquisitionNumber", "acquisition"),
    ("DiffusionBValue", "b-value"),
    ("TriggerTime", "trigger time"),
    ("ImageType", "image type"),
)


@dataclass(frozen=True)
class Pixels:
    """How the samples of a file are stored.

    `offset` and `length` are of the sample bytes in the file; the length is 0 where the samples are
    packed or deflated and cannot be read as they lie.
    """

    transfer_syntax_uid: str
    is_little_endian: bool
    rows: int
    columns: int
    n_frames: int
    samples_per_pixel: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    offset: int
    length: int

    @property
    def is_colour(self) -> bool:
        """Whether this becomes red, green and blue."""
        return self.samples_per_pixel > 1 or self.photometric == "PALETTE COLOR"

    @property
    def n_bytes(self) -> int:
        """What the samples take when unpacked."""
        n_samples = self.rows * self.columns * self.n_frames * self.samples_per_pixel
        return n_samples * max(self.bits_allocated // 8, 1)


@dataclass(frozen=True)
class Header:
    """One file's image.

    Parameters
    ----------
    position, row, column : (x, y, z) or None
        ImagePositionPatient and the two halves of ImageOrientationPatient, LPS.
    slope, intercept : float
        Stored samples to meaning; a modality LUT is told by `has_lut`.
    repeats : tuple of str
        Values that tell apart images at one place, as `_REPEAT_KEYS`.
    """

    path: Path
    sop_instance_uid: str
    series_uid: str
    series_number: str
    description: str
    modality: str
    patient_key: str
    frame_of_reference_uid: str
    pixels: Pixels
    spacing: Spacing | None
    position: Vector3 | None
    row: Vector3 | None
    column: Vector3 | None
    slice_step_mm: float | None
    slope: float
    intercept: float
    has_lut: bool
    is_rescaled: bool
    rescale_type: str
    window: tuple[float, float] | None
    repeats: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def series_key(self) -> str:
        """The series UID, or a stand-in made of what else tells series apart where it was blanked."""
        if self.series_uid:
            return self.series_uid
        rest = (self.series_number, self.description, self.modality, self.frame_of_reference_uid)
        return "no-uid-" + hashlib.sha256(repr(rest).encode()).hexdigest()[:12]

    @property
    def is_placed(self) -> bool:
        """Whether the file tells where in the patient its image lies."""
        return self.position is not None and self.row is not None and self.spacing is not None


def read_header(path: Path) -> Header:
    """Read everything but the samples.

    Raises
    ------
    ReadError
        If the file is damaged, is not an image, or is one of a kind that is not read.
    """
    size = check_file(path)
    with path.open("rb") as file, refusing(path, "has a damaged DICOM header", with_text=False), quiet():
        _check_inflated(path, file)
        from pydicom import dcmread

        dataset = dcmread(file, stop_before_pixels=True, force=True)
        check_kind(path, dataset, has_pixels=_is_at_pixels(dataset, file))
        pixels = _read_pixels(path, dataset, file)
        _check_length(path, pixels, size)
        return _build(path, dataset, pixels)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom from printing header values, which may name a patient, in its warnings."""
    import pydicom

    with warnings.catch_warnings(), pydicom.config.disable_value_validation():
        warnings.simplefilter("ignore")
        yield


def patient_key(patient_id: str) -> str:
    """Hash a patient's identifier after evening out case, blanks and Unicode forms; empty stays empty."""
    plain = unicodedata.normalize("NFC", patient_id).strip().casefold()
    return hashlib.sha256(plain.encode()).hexdigest() if plain else ""


def _build(path: Path, dataset: Any, pixels: Pixels) -> Header:
    notes = []
    if not getattr(dataset, "preamble", None):
        notes.append("It has no DICOM preamble; it was read as a bare data set.")
    if not _text(dataset, "SeriesInstanceUID"):
        notes.append("It has no series UID; files of one folder with the same description were taken for a series.")
    row, column = _orientation(path, dataset, notes)
    return Header(
        path=path,
        sop_instance_uid=_text(dataset, "SOPInstanceUID") or _meta_text(dataset, "MediaStorageSOPInstanceUID"),
        series_uid=_text(dataset, "SeriesInstanceUID"),
        series_number=_text(dataset, "SeriesNumber"),
        description=_text(dataset, "SeriesDescription"),
        modality=_text(dataset, "Modality"),
        patient_key=patient_key(_text(dataset, "PatientID")),
        frame_of_reference_uid=_text(dataset, "FrameOfReferenceUID"),
        pixels=pixels,
        spacing=find_spacing(path, dataset),
        position=_vector(path, dataset, "ImagePositionPatient"),
        row=row,
        column=column,
        slice_step_mm=_positive(dataset, "SpacingBetweenSlices") or _positive(dataset, "SliceThickness"),
        slope=_number(dataset, "RescaleSlope", 1.0),
        intercept=_number(dataset, "RescaleIntercept", 0.0),
        has_lut=bool(dataset.get("ModalityLUTSequence")),
        is_rescaled="RescaleSlope" in dataset,
        rescale_type=_text(dataset, "RescaleType"),
        window=_window(dataset),
        repeats=tuple(_text(dataset, keyword) for keyword, _ in _REPEAT_KEYS),
        warnings=tuple(notes),
    )


def repeat_names() -> tuple[str, ...]:
    """What the entries of `Header.repeats` are called."""
    return tuple(name for _, name in _REPEAT_KEYS)


def _read_pixels(path: Path, dataset: Any, file: BinaryIO) -> Pixels:
    is_implicit, is_little = dataset.original_encoding
    uid = _meta_text(dataset, "TransferSyntaxUID")
    is_native = uid in ("", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
    offset, length = _locate(file, is_implicit, is_little) if is_native else (0, 0)
    pixels = Pixels(
        transfer_syntax_uid=uid,
        is_little_endian=bool(is_little),
        rows=_count(path, dataset, "Rows"),
        columns=_count(path, dataset, "Columns"),
        n_frames=max(int(_number(dataset, "NumberOfFrames", 1)), 1),
        samples_per_pixel=_count(path, dataset, "SamplesPerPixel", 1),
        photometric=_text(dataset, "PhotometricInterpretation"),
        bits_allocated=_count(path, dataset, "BitsAllocated"),
        bits_stored=_count(path, dataset, "BitsStored", int(dataset.get("BitsAllocated") or 16)),
        is_signed=_number(dataset, "PixelRepresentation", 0) == 1,
        offset=offset,
        length=length,
    )
    if pixels.bits_allocated not in (8, 16, 32) or not 1 <= pixels.bits_stored <= pixels.bits_allocated:
        raise ReadError(path, f"has {pixels.bits_stored} of {pixels.bits_allocated} bits a sample, which is not read")
    return pixels


def _is_at_pixels(dataset: Any, file: BinaryIO) -> bool:
    """Whether the parser stopped at samples; a deflated data set is parsed from memory, so it is asked."""
    if _meta_text(dataset, "TransferSyntaxUID") == _DEFLATED:
        return "Rows" in dataset
    _, is_little = dataset.original_encoding
    here = file.tell()
    head = file.read(4)
    file.seek(here)
    order = "little" if is_little in (True, None) else "big"
    return (int.from_bytes(head[:2], order), int.from_bytes(head[2:4], order)) == _PIXEL_DATA  # type: ignore[arg-type]


def _locate(file: BinaryIO, is_implicit: bool, is_little: bool) -> tuple[int, int]:
    start = file.tell()
    head = file.read(12)
    order: Any = "little" if is_little else "big"
    if is_implicit:
        return start + 8, int.from_bytes(head[4:8], order)
    return start + 12, int.from_bytes(head[8:12], order)


def _check_length(path: Path, pixels: Pixels, size: int) -> None:
    check_budget(path, pixels.n_bytes)
    if pixels.length == 0:
        return
    present = min(pixels.length, size - pixels.offset)
    needed = pixels.n_bytes
    if pixels.photometric == "YBR_FULL_422":
        needed = needed * 2 // 3
    if pixels.length == _UNDEFINED_LENGTH or present < needed:
        raise ReadError(
            path,
            f"is truncated: {pixels.rows} x {pixels.columns} pixels"
            f"{f' in {pixels.n_frames} frames' if pixels.n_frames > 1 else ''} take {needed} bytes, "
            f"and {max(present, 0)} are there",
            "Fetch the file again.",
        )


def _check_inflated(path: Path, file: BinaryIO) -> None:
    """Unpack a deflated file in pieces first: three megabytes can hold gigabytes."""
    head = file.read(_PREAMBLE + 1024)
    file.seek(0)
    if _DEFLATED.encode() not in head or len(head) < _PREAMBLE + 12:
        return
    file.seek(_PREAMBLE + 12 + int.from_bytes(head[_PREAMBLE + 8 : _PREAMBLE + 12], "little"))
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    total = 0
    while packed := unpacker.unconsumed_tail or file.read(_CHUNK):
        total += len(unpacker.decompress(packed, _CHUNK))
        check_budget(path, 3 * total)
    file.seek(0)


def _orientation(path: Path, dataset: Any, notes: list[str]) -> tuple[Vector3 | None, Vector3 | None]:
    numbers = _numbers(dataset, "ImageOrientationPatient")
    if numbers is None or not any(numbers):
        return None, None
    if len(numbers) != 6 or not all(math.isfinite(number) for number in numbers):
        raise ReadError(path, "has an ImageOrientationPatient that is not six finite numbers")
    row, column = numbers[:3], numbers[3:]
    lengths = math.hypot(*row), math.hypot(*column)
    lean = abs(sum(a * b for a, b in zip(row, column, strict=True)))
    off = max(abs(lengths[0] - 1), abs(lengths[1] - 1), lean)
    if off > 1e-2:
        raise ReadError(path, f"has row and column directions that are no right-angled unit vectors (off by {off:.3f})")
    if off > 1e-3:
        notes.append(f"Its row and column directions are off a right angle or unit length by {off:.4f}.")
    return _unit(row, lengths[0]), _unit(column, lengths[1])


def _unit(vector: list[float], length: float) -> Vector3:
    x, y, z = (number / length for number in vector)
    return (x, y, z)


def _vector(path: Path, dataset: Any, keyword: str) -> Vector3 | None:
    numbers = _numbers(dataset, keyword)
    if numbers is None:
        return None
    if len(numbers) != 3 or not all(math.isfinite(number) for number in numbers):
        raise ReadError(path, f"has a {keyword} that is not three finite numbers")
    return (numbers[0], numbers[1], numbers[2])


def _window(dataset: Any) -> tuple[float, float] | None:
    """Limits of the first window, DICOM PS3.3 C.11.2.1.2.1."""
    centres, widths = _numbers(dataset, "WindowCenter"), _numbers(dataset, "WindowWidth")
    if not centres or not widths or not math.isfinite(centres[0]) or not widths[0] > 1:
        return None
    half = (widths[0] - 1) / 2
    return (centres[0] - 0.5 - half, centres[0] - 0.5 + half) if math.isfinite(half) else None


def _numbers(dataset: Any, keyword: str) -> list[float] | None:
    value = dataset.get(keyword)
    if value is None or value == "":
        return None
    values = list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
    return [float(one) for one in values] or None


def _number(dataset: Any, keyword: str, default: float) -> float:
    numbers = _numbers(dataset, keyword)
    return numbers[0] if numbers and math.isfinite(numbers[0]) else default


def _positive(dataset: Any, keyword: str) -> float | None:
    number = abs(_number(dataset, keyword, 0.0))
    return number or None


def _count(path: Path, dataset: Any, keyword: str, default: int = 0) -> int:
    number = int(_number(dataset, keyword, default))
    if number < 1:
        raise ReadError(path, f"declares no {keyword}, so it is no complete image")
    return number


def _meta_text(dataset: Any, keyword: str) -> str:
    meta = getattr(dataset, "file_meta", None)
    return "" if meta is None else _text(meta, keyword)


def _text(dataset: Any, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip().strip("\0")
