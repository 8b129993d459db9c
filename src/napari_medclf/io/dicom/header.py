"""What one DICOM file says about its image, without its samples."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Vector3
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.functional_groups import Frame, frames_of
from napari_medclf.io.dicom.keys import patient_key
from napari_medclf.io.dicom.kinds import check_film, check_kind
from napari_medclf.io.dicom.layout import Pixels, check_inflated, is_at_pixels, read_layout
from napari_medclf.io.dicom.lean import LeanDataset, NotLean, is_overlay, read_lean
from napari_medclf.io.dicom.nuclear import planes_of_nuclear
from napari_medclf.io.dicom.pixels.suv import suv_factor
from napari_medclf.io.dicom.pixels.voi import find_window
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.dicom.scale import Spacing, find_spacing
from napari_medclf.io.dicom.series.mosaic import Tile, is_mosaic, planes_of_mosaic
from napari_medclf.io.dicom.series.traits import film_times_ms, kind_traits, time_traits
from napari_medclf.io.preflight import check_file, refusing

# PS3.3 C.7.6.3.1.2: what one sample a pixel can stand for.
_ONE_SAMPLE = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")


@dataclass(frozen=True, slots=True)
class Header:
    """One plane: the image of a single-frame file, one frame of an enhanced object, or a whole film.

    Parameters
    ----------
    position, row, column : (x, y, z) or None
        ImagePositionPatient and the two halves of ImageOrientationPatient, LPS.
    slope, intercept : float
        Stored samples to meaning; a modality LUT is told by `has_lut`.
    kinds : tuple of str
        What tells kinds of images at one place apart, as `traits.KIND_NAMES`.
    times : tuple of float or None
        What tells their times apart, as `traits.TIME_NAMES`.
    frame : int or None
        Which frame this is, from 1; None for a single-frame file, and for a film, whose frames follow in time.
    film_times_ms : tuple of float
        Of the frames of a film, where the file tells.
    suv_factor : float or None
        From becquerels per millilitre to a standardised uptake value.
    concatenation : (uid, number, total)
        Which piece of an object in several files this is; the uid is empty for whole objects.
    tile : Tile or None
        Which part of the picture this slice is, in a mosaic.
    has_overlay : bool
        Whether the file holds bitmaps to lay over the picture.
    body_part : str
        BodyPartExamined, as written.
    series_time : str
        As `tags.series_time`.
    """

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    study_uid: str
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
    kinds: tuple[str, ...]
    times: tuple[float | None, ...]
    frame: int | None = None
    film_times_ms: tuple[float, ...] = ()
    suv_factor: float | None = None
    concatenation: tuple[str, int, int] = ("", 1, 1)
    tile: Tile | None = None
    has_overlay: bool = False
    body_part: str = ""
    series_time: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of the plane; of a mosaic's slice fewer than the file's."""
        return self.pixels.rows if self.tile is None else self.tile.rows

    @property
    def columns(self) -> int:
        """Columns of the plane."""
        return self.pixels.columns if self.tile is None else self.tile.columns

    @property
    def is_film(self) -> bool:
        """Whether the frames of the file follow each other in time at one place."""
        return self.frame is None and self.pixels.n_frames > 1

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


def read_headers(path: Path) -> tuple[Header, ...]:
    """Read everything but the samples, one header a plane.

    Raises
    ------
    ReadError
        If the file is damaged, is not an image, or is one of a kind that is not read.
    """
    size = check_file(path)
    with path.open("rb") as file, refusing(path, "has a damaged DICOM header", with_text=False):
        lean = read_lean(file)
        if lean is not None:
            try:
                return _described(path, lean, file, size)
            except NotLean:
                file.seek(0)
        with quiet():
            check_inflated(path, file)
            from pydicom import dcmread

            return _described(path, dcmread(file, stop_before_pixels=True, force=True), file, size)


def _described(path: Path, dataset: Any, file: BinaryIO, size: int) -> tuple[Header, ...]:
    check_kind(path, dataset, has_pixels=is_at_pixels(dataset, file))
    return build_headers(path, dataset, read_layout(path, dataset, file, size))


def read_header(path: Path) -> Header:
    """Read the header of the first plane; see `read_headers`."""
    return read_headers(path)[0]


def build_headers(path: Path, dataset: Any, pixels: Pixels) -> tuple[Header, ...]:
    """Build the headers of an object that was opened and found to be of a kind that has planes.

    Raises
    ------
    ReadError
        If its places contradict each other.
    """
    notes = []
    if not getattr(dataset, "preamble", None):
        notes.append("It has no DICOM preamble; it was read as a bare data set.")
    if not tags.text(dataset, "SeriesInstanceUID"):
        notes.append("It has no series UID; files of one folder with the same description were taken for a series.")
    if pixels.samples_per_pixel == 1 and pixels.photometric not in _ONE_SAMPLE:
        notes.append(
            "It does not tell what its samples stand for (photometric interpretation); low was taken for dark."
        )
    whole = _with_suv(_header(path, dataset, pixels, notes), dataset)
    if is_mosaic(dataset):
        return planes_of_mosaic(whole, dataset)
    if slices := planes_of_nuclear(whole, dataset):
        return slices
    frames = frames_of(path, dataset, pixels.n_frames)
    planes = [_with_suv(_plane(whole, frame, list(notes)), dataset) for frame in frames]
    if not planes:
        check_film(path, dataset, pixels.n_frames)
        return (replace(whole, film_times_ms=film_times_ms(dataset, pixels.n_frames)),)
    n_placed = sum(plane.is_placed for plane in planes)
    if n_placed == len(planes):
        return tuple(planes)
    if n_placed or pixels.n_frames == 1:
        return _unplaced(path, planes)
    check_film(path, dataset, pixels.n_frames)
    if len({(plane.slope, plane.intercept) for plane in planes}) > 1:
        raise ReadError(path, f"is a film of {len(planes)} frames that are scaled differently, which is not read")
    return (replace(planes[0], frame=None, film_times_ms=film_times_ms(dataset, pixels.n_frames)),)


def _unplaced(path: Path, planes: list[Header]) -> tuple[Header, ...]:
    if len(planes) == 1:
        return (planes[0],)
    lost = next(plane.frame for plane in planes if not plane.is_placed)
    raise ReadError(path, f"does not tell where frame {lost} of {len(planes)} lies; the others have their places")


def _header(path: Path, dataset: Any, pixels: Pixels, notes: list[str]) -> Header:
    row, column = tags.orientation(path, dataset, notes)
    return Header(
        path=path,
        sop_class_uid=tags.text(dataset, "SOPClassUID") or tags.meta_text(dataset, "MediaStorageSOPClassUID"),
        sop_instance_uid=tags.text(dataset, "SOPInstanceUID") or tags.meta_text(dataset, "MediaStorageSOPInstanceUID"),
        study_uid=tags.text(dataset, "StudyInstanceUID"),
        series_uid=tags.text(dataset, "SeriesInstanceUID"),
        series_number=tags.text(dataset, "SeriesNumber"),
        description=tags.text(dataset, "SeriesDescription"),
        modality=tags.text(dataset, "Modality"),
        patient_key=patient_key(tags.text(dataset, "PatientID")),
        frame_of_reference_uid=tags.text(dataset, "FrameOfReferenceUID"),
        pixels=pixels,
        spacing=find_spacing(path, dataset),
        position=tags.vector(path, dataset, "ImagePositionPatient"),
        row=row,
        column=column,
        slice_step_mm=tags.size_mm(dataset, "SpacingBetweenSlices") or tags.size_mm(dataset, "SliceThickness"),
        slope=tags.scale(path, dataset, "RescaleSlope", 1.0),
        intercept=tags.scale(path, dataset, "RescaleIntercept", 0.0),
        has_lut=bool(dataset.get("ModalityLUTSequence")),
        is_rescaled="RescaleSlope" in dataset,
        rescale_type=tags.text(dataset, "RescaleType"),
        window=_window(dataset, pixels, notes),
        kinds=kind_traits(dataset),
        times=time_traits(dataset),
        concatenation=_concatenation(dataset),
        has_overlay=_has_overlay(dataset),
        body_part=tags.text(dataset, "BodyPartExamined"),
        series_time=tags.series_time(dataset),
        warnings=tuple(notes),
    )


def _plane(whole: Header, frame: Frame, notes: list[str]) -> Header:
    """Fill in what the frame says of itself."""
    path = whole.path
    row, column = tags.orientation(path, frame, notes)
    position = tags.vector(path, frame, "ImagePositionPatient")
    if position is None and (position := tags.vector(path, frame, "ImagePositionVolume")) is not None:
        row, column = tags.orientation(path, frame, notes, "ImageOrientationVolume")
        notes.append("Its places are those of the ultrasound probe's frame, not of the patient.")
    return replace(
        whole,
        frame=frame.number,
        spacing=find_spacing(path, frame),
        position=position,
        row=row,
        column=column,
        slice_step_mm=tags.size_mm(frame, "SpacingBetweenSlices") or tags.size_mm(frame, "SliceThickness"),
        slope=tags.scale(path, frame, "RescaleSlope", 1.0),
        intercept=tags.scale(path, frame, "RescaleIntercept", 0.0),
        is_rescaled="RescaleSlope" in frame,
        rescale_type=tags.text(frame, "RescaleType"),
        window=_window(frame, whole.pixels, notes),
        kinds=kind_traits(frame),
        times=time_traits(frame),
        warnings=tuple(notes),
    )


def _with_suv(header: Header, dataset: Any) -> Header:
    """Find the factor of a PET image, or the reason why there is none."""
    if header.modality != "PT":
        return header
    suv = suv_factor(dataset)
    window = header.window
    if suv.factor is not None and window is not None:
        window = (window[0] * suv.factor, window[1] * suv.factor)
    notes = (*header.warnings, suv.reason) if suv.reason else header.warnings
    return replace(header, suv_factor=suv.factor, window=window, warnings=tuple(dict.fromkeys(notes)))


def _window(dataset: Any, pixels: Pixels, notes: list[str]) -> tuple[float, float] | None:
    found = find_window(dataset, is_signed=pixels.is_signed, is_little_endian=pixels.is_little_endian)
    if found is None:
        return None
    if found.note:
        notes.append(found.note)
    return (found.low, found.high)


def _has_overlay(dataset: Any) -> bool:
    if isinstance(dataset, LeanDataset):
        return dataset.has_overlay
    return any(is_overlay(tag.group) for tag in dataset.keys())  # noqa: SIM118  # iterating parses every element


def _concatenation(dataset: Any) -> tuple[str, int, int]:
    uid = tags.text(dataset, "ConcatenationUID")
    if not uid:
        return ("", 1, 1)
    total = int(tags.number(dataset, "InConcatenationTotalNumber", 0))
    return (uid, int(tags.number(dataset, "InConcatenationNumber", 0)), total)
