"""What a folder holds besides images, and why each file of it is passed over."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from napari_medclf.atomic import is_temporary
from napari_medclf.io.look_ahead import LookAhead
from napari_medclf.io.report import Refusal
from napari_medclf.io.sniff import is_accompanying

LeaveOut = Callable[[Path, bool], str]
"""Takes a path and whether it is a folder; tells why it is not wanted, as the end of a sentence, or an empty text."""

_TEXTS = frozenset((".md", ".txt", ".html", ".htm", ".pdf", ".log"))
_TABLES = frozenset((".csv", ".tsv"))
_INDEXES = frozenset(("dicomdir", "dirfile"))
_HEADERS = (".hdr", ".mhd", ".nhdr")


@dataclass
class Passed:
    """What a walk through a folder did not take, file by file.

    Parameters
    ----------
    refusals : list of Refusal
        What should be an image and cannot be opened, and folders that cannot be listed.
    others : list of Refusal
        What is no image.
    left_out : list of Refusal
        What a person does not want; of a folder, all that is in it.
    samples : dict
        Header to the file of its samples.
    """

    leave_out: LeaveOut | None = None
    refusals: list[Refusal] = field(default_factory=list)
    others: list[Refusal] = field(default_factory=list)
    left_out: list[Refusal] = field(default_factory=list)
    samples: dict[Path, Path] = field(default_factory=dict)

    def take_folders(self, folders: Sequence[Path], ahead: LookAhead) -> list[Path]:
        """Give the folders that are walked through; what is not is noted with its reason."""
        taken = []
        for folder, found in ahead.each(self._why_no_folder, folders, OSError):
            if isinstance(found, OSError):
                self.refusals.append(Refusal(folder, f"cannot be listed ({found.strerror})"))
                continue
            notes, reason = found
            if reason:
                notes.append(Refusal(folder, reason))
            else:
                taken.append(folder)
        return taken

    def _why_no_folder(self, folder: Path) -> tuple[list[Refusal], str]:
        """Why a folder is not walked through, and where that is noted; an empty text where it is."""
        if folder.name.startswith("."):
            return self.others, "is a hidden folder (its name begins with a dot)"
        if os.path.islink(folder):
            return self.others, "is a link to a folder, and such links are not followed"
        return self.left_out, self.leave_out(folder, True) if self.leave_out is not None else ""

    def takes_file(self, path: Path) -> bool:
        """Whether a file is opened to see what it is; what is not is noted with its reason."""
        reason = _no_image(path)
        if reason:
            self.others.append(Refusal(path, reason))
            return False
        reason = self.leave_out(path, False) if self.leave_out is not None else ""
        if reason:
            self.left_out.append(Refusal(path, reason))
        return not reason

    def pass_samples(self, path: Path) -> None:
        """Note a file that holds samples by its name; they belong to a header beside it where there is one."""
        header = next((one for one in map(_stem_of(path).with_suffix, _HEADERS) if one.is_file()), None)
        if header is None:
            self.others.append(Refusal(path, f"holds samples without a header; {', '.join(_HEADERS)} was expected"))
        else:
            self.samples[header] = path

    def pass_special(self, path: Path) -> None:
        """Note a pipe, a socket or a device."""
        self.others.append(Refusal(path, "is a pipe, socket or device, not a file"))

    def pass_index(self, path: Path) -> None:
        """Note a DICOMDIR: the files that it lists are found by themselves."""
        self.others.append(Refusal(path, "is an index of DICOM files, which are found by themselves"))


def _no_image(path: Path) -> str:
    """Why a file is no image, by its name alone; empty where it may be one."""
    if is_temporary(path):
        return "is a temporary file of a write that did not end"
    if not is_accompanying(path):
        return ""
    if path.name.startswith("."):
        return "is a hidden file (its name begins with a dot)"
    suffix = path.suffix.lower()
    if path.name.lower() in _INDEXES:
        return "is an index of DICOM files, which are found by themselves"
    kind = "a table" if suffix in _TABLES else "a text" if suffix in _TEXTS else "a file that accompanies images"
    return f"is {kind}{f' ({suffix})' if suffix else ''}, not an image"


def _stem_of(path: Path) -> Path:
    """A path without its suffix, ``.raw.gz`` as one."""
    return path.with_suffix("") if path.suffix.lower() == ".gz" else path
