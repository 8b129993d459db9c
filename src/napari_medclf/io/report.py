"""What reading many files gave: images, what was derived from them, and a reason for each file that gave none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.derived import LabelSet, MeasurementReport
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.listing import SeriesEntry


@dataclass(frozen=True)
class Refusal:
    """A file or series that was not read, why, and what to do about it (may be empty).

    Parameters
    ----------
    ways : tuple of FileRef
        How it can be read all the same, where a person allows it.
    """

    path: Path
    reason: str
    hint: str = ""
    ways: tuple[FileRef, ...] = ()

    @classmethod
    def of(cls, error: ReadError) -> Refusal:
        """Keep an error as a value."""
        return cls(error.path, error.reason, error.hint)

    def as_error(self) -> ReadError:
        """Give the error back, to be raised."""
        return ReadError(self.path, self.reason, self.hint)

    def __str__(self) -> str:
        return str(self.as_error())


ReadItem = MedImage | LabelSet | MeasurementReport | Refusal
"""What one step of reading gives."""


@dataclass(frozen=True)
class ReadReport:
    """What was read, in the order of the paths, and what was refused."""

    images: tuple[MedImage, ...]
    refusals: tuple[Refusal, ...]
    label_sets: tuple[LabelSet, ...] = ()
    reports: tuple[MeasurementReport, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that is odd with what was read, each sentence led by its name."""
        read: tuple[MedImage | LabelSet | MeasurementReport, ...] = (*self.images, *self.label_sets, *self.reports)
        return tuple(f"{one.name}: {text}" for one in read for text in one.warnings)


@dataclass(frozen=True)
class Discovery:
    """Images that can be opened one by one with ``read_image(ref.path, ref.member)``.

    Parameters
    ----------
    entries : tuple of SeriesEntry
        Everything that is there, also what is no image and what is refused, for a person to choose from.
    others : tuple of Refusal
        Files of a folder that are no images: tables, texts, indexes, hidden files; and folders not walked through.
    left_out : tuple of Refusal
        Files and whole folders that were not wanted.
    copies : dict
        A DICOM file to the one that has its SOP instance UID and place, and that is read instead.
    """

    found: tuple[FileRef, ...]
    refusals: tuple[Refusal, ...]
    entries: tuple[SeriesEntry, ...] = ()
    others: tuple[Refusal, ...] = ()
    left_out: tuple[Refusal, ...] = ()
    copies: Mapping[Path, Path] = field(default_factory=dict)
