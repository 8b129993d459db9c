"""Planes that make one image, known from their headers alone."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import Gaps, Source
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.keys import study_key
from napari_medclf.io.dicom.series.place import Placement
from napari_medclf.io.dicom.series.times import Times
from napari_medclf.io.sniff import Kind, kind_by_name, stem_of

_MOST_NAME = 60
_SECTIONS = ("CT", "MR", "PT", "NM")
_GAPS = "+gaps="


@dataclass(frozen=True)
class Stack:
    """Planes that make one image.

    Parameters
    ----------
    headers : tuple of Header
        In the order of axis k; of the first time where there are several.
    placement : Placement or None
        None for a picture that does not tell its place in the patient.
    part : str
        Tells apart the stacks of one series; the same whatever else is scanned.
    label : str
        What sets this stack apart in its series, in words; may be empty.
    is_only : bool
        Whether it is the only stack of its series.
    times : Times or None
        All times, where there are several.
    home : Path or None
        The file or folder that holds all of its series, in which `part` is certain.
    """

    headers: tuple[Header, ...]
    placement: Placement | None
    part: str = ""
    label: str = ""
    is_only: bool = True
    times: Times | None = None
    home: Path | None = None
    warnings: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The file of a single image, else the folder (or file) that holds the whole series."""
        is_told_apart = not self.is_only and not self._is_whole_file
        return self.home if is_told_apart and self.home is not None else home_of(self.planes)

    @property
    def planes(self) -> tuple[Header, ...]:
        """All headers, of all times: first the slices of the first time, then those of the second."""
        if self.times is None:
            return self.headers
        return tuple(header for volume in self.times.volumes for header in volume)

    @property
    def gaps(self) -> Gaps:
        """What was done about missing or uneven slices."""
        return self.placement.gaps if self.placement is not None else Gaps.REFUSE

    @property
    def member(self) -> str:
        """The name of this stack inside its folder; empty for a single file that is this image."""
        key = self.headers[0].series_key
        if self._is_whole_file and self.gaps is Gaps.REFUSE:
            return ""
        if not self.is_only:
            key = f"{key}:{self.part}"
        return key if self.gaps is Gaps.REFUSE else f"{key}{_GAPS}{self.gaps}"

    @property
    def _is_whole_file(self) -> bool:
        """Whether it is all that a single file holds, so that the file needs no member to be opened by."""
        first = self.headers[0]
        if len({header.path for header in self.planes}) > 1:
            return False
        return first.frame is None or len(self.planes) == first.pixels.n_frames

    @property
    def ref(self) -> FileRef:
        """What `read_image` opens it by."""
        return FileRef(self.path, self.member)

    def answers_to(self, member: str) -> bool:
        """Whether `member` means this stack."""
        member, _, gaps = member.partition(_GAPS)
        if (gaps or Gaps.REFUSE) != self.gaps:
            return False
        key = self.headers[0].series_key
        return member == f"{key}:{self.part}" or (self.is_only and member == key)

    @cached_property
    def geometry(self) -> Geometry:
        """The grid, as it will be when samples are read."""
        first = self.headers[0]
        rows, columns = first.rows, first.columns
        if self.placement is not None:
            shape = (self.placement.n_slices, rows, columns)
            return Geometry(self.placement.affine, shape, first.frame_of_reference_uid)
        if first.spacing is None:
            return Geometry.flat(rows, columns)
        return Geometry.from_spacing((1, rows, columns), (1.0, first.spacing.row_mm, first.spacing.column_mm))

    @property
    def n_times(self) -> int:
        """How many times there are at each place."""
        if self.times is not None:
            return len(self.times.volumes)
        return self.headers[0].pixels.n_frames if self.headers[0].is_film else 1

    @cached_property
    def source(self) -> Source:
        """Where it came from."""
        first = self.headers[0]
        files = tuple(header.path for header in self.headers)
        return Source(
            path=self.path,
            member=self.member,
            patient_key=first.patient_key,
            study_uid=first.study_uid,
            series_uid=first.series_uid,
            sop_instance_uids=tuple(header.sop_instance_uid for header in self.headers),
            frame_numbers=tuple(header.frame for header in self.headers if header.frame is not None),
            files=files[:1] if len(set(files)) == 1 else files,
            acquired_k=self.placement.acquired_k if self.placement is not None else (),
            description=first.description,
        )

    @property
    def name(self) -> str:
        """Short name: of a series by its tags, of a single file by its name; characters that file names allow."""
        first = self.headers[0]
        if (self.is_only and len({header.path for header in self.planes}) == 1) or self.placement is None:
            parts = [stem_of(first.path) if kind_by_name(first.path) is Kind.DICOM else first.path.name]
        else:
            parts = [first.modality, first.series_number, first.description or first.path.parent.name, self.label]
        text = "-".join(part for part in parts if part)
        return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._-")[:_MOST_NAME] or "dicom"

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what is odd, known before any sample is read; each once."""
        first = self.headers[0]
        notes = [*self.warnings, *(self.placement.warnings if self.placement is not None else ())]
        notes += self.times.warnings if self.times is not None else ()
        for header in self.planes:
            notes += header.warnings
        if self.placement is None and first.modality in _SECTIONS:
            notes.append("It does not tell where in the patient it lies.")
        if self.placement is not None and len(self.headers) == 1 and first.slice_step_mm is None:
            notes.append("It does not tell its slice thickness; 1 mm was taken.")
        if first.spacing is None:
            notes.append("It does not tell the size of its pixels; lengths and areas are in pixels.")
        elif first.spacing.warning:
            notes.append(first.spacing.warning)
        if first.pixels.photometric == "MONOCHROME1":
            notes.append("Its low values are bright (MONOCHROME1); they were turned round, so that high is bright.")
        return tuple(dict.fromkeys(notes))

    @property
    def _slice_mm(self) -> float | None:
        """Distance of slices; of a single one its thickness, where the file tells."""
        if self.placement is None or len(self.headers) == 1:
            return self.headers[0].slice_step_mm
        return float(self.geometry.spacing[0])

    def source_grid(self) -> SourceGrid:
        """What labels and measurements of this image are matched with."""
        return SourceGrid(self.geometry, self.source, self.name, self.headers[0].modality)

    def entry(self) -> SeriesEntry:
        """The row of a series picker."""
        first = self.headers[0]
        shape = self.geometry.shape
        return SeriesEntry(
            ref=self.ref,
            name=self.name,
            kind=first.modality,
            study=study_key(first.study_uid),
            series_uid=first.series_uid,
            series_number=first.series_number,
            description=first.description,
            size=shape if self.n_times == 1 else (self.n_times, *shape),
            spacing_mm=None if first.spacing is None else self.geometry.spacing,
            n_files=len({header.path for header in self.planes}),
            warnings=self.notes,
            first_file=first.path,
            files=tuple(dict.fromkeys(header.path for header in self.planes)),
            modality=first.modality,
            body_part=first.body_part,
            slice_mm=self._slice_mm,
            series_time=first.series_time,
        )


def home_of(headers: Sequence[Header]) -> Path:
    """The file that holds all, else the folder that holds all files."""
    files = {header.path for header in headers}
    if len(files) == 1:
        return headers[0].path
    return Path(os.path.commonpath([file.parent for file in files]))
