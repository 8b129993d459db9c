"""What reading many files gave: images, and a reason for each file that gave none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import MedImage


@dataclass(frozen=True)
class Refusal:
    """A file or series that was not read, why, and what to do about it (may be empty)."""

    path: Path
    reason: str
    hint: str = ""

    @classmethod
    def of(cls, error: ReadError) -> Refusal:
        """Keep an error as a value."""
        return cls(error.path, error.reason, error.hint)

    def as_error(self) -> ReadError:
        """Give the error back, to be raised."""
        return ReadError(self.path, self.reason, self.hint)

    def __str__(self) -> str:
        return str(self.as_error())


@dataclass(frozen=True)
class ReadReport:
    """Images in the order of their paths, and what was refused."""

    images: tuple[MedImage, ...]
    refusals: tuple[Refusal, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that is odd with the images, each sentence led by the image's name."""
        return tuple(f"{image.name}: {text}" for image in self.images for text in image.warnings)


@dataclass(frozen=True)
class Discovery:
    """Images that can be opened one by one with ``read_image(ref.path, ref.member)``."""

    found: tuple[FileRef, ...]
    refusals: tuple[Refusal, ...]
