"""What is in a folder, before any sample is read: the rows of a series picker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.geometry import Vector3


@dataclass(frozen=True)
class SeriesEntry:
    """One image, or one set of labels or measurements, that could be opened; names nobody.

    Parameters
    ----------
    ref : FileRef
        What `read_image` or `read_entry` opens it by.
    kind : str
        DICOM's modality (CT, MR, SEG, RTSTRUCT, SR ...), or the file format.
    study : str
        Tells studies apart: a short hash, or the folder of files that are no DICOM.
    size : tuple of int
        (K, J, I), (C, K, J, I), or empty where it is not known before reading.
    spacing_mm : (k, j, i) or None
        None without a scale.
    reason : str
        Why it is not read as it is; empty for what is.
    ways : tuple of FileRef
        How a refused series can be opened all the same: gaps blank, or resampled (`Gaps`).
    refers_to : str
        Series UID of the images that labels or measurements were made for.
    first_file : Path or None
        One of its files, whose header tells more; None where `ref` is that file.
    files : tuple of Path
        All of its files, those with samples beside a header included.
    modality : str
        DICOM's code; empty for files that are no DICOM.
    body_part : str
        DICOM's Body Part Examined, as written.
    slice_mm : float or None
        Distance of slices; of a single slice its thickness. None where the files do not tell.
    series_time : str
        When the series began (else was acquired), as digits that can be compared: ``20260131`` or
        ``20260131235959.5``; empty where the files do not tell.
    """

    ref: FileRef
    name: str
    kind: str
    study: str = ""
    series_uid: str = ""
    series_number: str = ""
    description: str = ""
    size: tuple[int, ...] = ()
    spacing_mm: Vector3 | None = None
    n_files: int = 1
    warnings: tuple[str, ...] = ()
    reason: str = ""
    hint: str = ""
    ways: tuple[FileRef, ...] = ()
    refers_to: str = ""
    first_file: Path | None = None
    files: tuple[Path, ...] = ()
    modality: str = ""
    body_part: str = ""
    slice_mm: float | None = None
    series_time: str = ""
