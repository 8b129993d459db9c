"""Where objects go that others send to us: one folder a study, names that tell nothing, whole or not there."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import threading
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from napari_medclf.atomic import atomic_writer, make_folder, sweep
from napari_medclf.domain.errors import ReadError, WriteError
from napari_medclf.domain.pacs import InstanceRow, is_uid
from napari_medclf.io.arrived import STUDY_LENGTH
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.keys import study_key
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.pacs.compare import is_same_object
from napari_medclf.io.pacs.received import check_received
from napari_medclf.io.pacs.under_way import UnderWay
from napari_medclf.io.preflight import refusing

_SHORT, _LONG = 16, 32
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")


class Verdict(Enum):
    """What is answered to the sender of an object."""

    TAKEN = "taken"
    REPEATED = "repeated"
    """It was here already, with every element as it is; nothing changed."""
    NO_ROOM = "no room"
    """The disk is full or cannot be written; it may be sent again later."""
    TOO_LARGE = "too large"
    MISFIT = "misfit"
    """Its UIDs are none, or not those that were announced."""
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Taken:
    """What became of one object; ``study`` is the name of its study's folder, empty where that is not known."""

    verdict: Verdict
    study: str = ""
    path: Path | None = None
    reason: str = ""


class Depot:
    """Keeps objects of any study below one folder.

    Folders and files are named by hashes of UIDs, so what a sender writes decides on no name and no place. A file has
    its name only once it is whole, was read again, and is on the disk together with its name.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    min_free_bytes : int
        Room that is left on the disk for everything else; an object that would need it is not taken.

    Raises
    ------
    WriteError
        If the folder cannot be written.
    """

    def __init__(self, folder: Path, min_free_bytes: int = 0) -> None:
        self.folder = folder
        self.under_way = UnderWay(folder)
        self._min_free_bytes = min_free_bytes
        self._one_by_one = threading.Lock()  # pydicom is quietened for the whole process
        _check_writable(folder)

    def take(self, content: bytes, announced: tuple[str, str], sender: str) -> Taken:
        """Keep one DICOM file, if it is whole and what was announced.

        Parameters
        ----------
        content : bytes
            The whole file, with its header.
        announced : (SOP class UID, SOP instance UID)
            As they were given beside the object (PS3.7 9.1.1).
        sender : str
            Who is at work, as `UnderWay` tells them apart.
        """
        with self._one_by_one:
            return self._take(content, announced, sender)

    def _take(self, content: bytes, announced: tuple[str, str], sender: str) -> Taken:
        try:
            row = _row_of(content)
        except ReadError as error:
            return Taken(Verdict.DAMAGED, reason=error.reason)
        if not all(map(is_uid, (row.study_uid, row.series_uid, row.sop_uid))):
            return Taken(Verdict.MISFIT, reason="it lacks a UID of its study, its series or itself")
        if (row.sop_class_uid, row.sop_uid) != announced:
            return Taken(Verdict.MISFIT, reason="it is another object than the one that was announced")
        study = study_key(row.study_uid, STUDY_LENGTH)
        path = self.path_of(row)
        try:
            self.under_way.begin(study, sender)
            return self._keep(content, row, Taken(Verdict.TAKEN, study, path))
        except ReadError as error:
            return Taken(Verdict.DAMAGED, study, reason=error.reason)
        except OSError as error:
            return Taken(Verdict.NO_ROOM, study, reason=f"it cannot be written ({error.strerror or error})")

    def studies(self) -> list[str]:
        """Names of all studies that are here."""
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir())

    def files(self, study: str) -> list[Path]:
        """All objects of a study."""
        return sorted((self.folder / study).glob("*/*.dcm"))

    def path_of(self, row: InstanceRow) -> Path:
        """Where an object goes."""
        series = self.folder / study_key(row.study_uid, STUDY_LENGTH) / _hash(row.series_uid, _SHORT)
        return series / f"{_hash(row.sop_uid, _LONG)}.dcm"

    def _keep(self, content: bytes, row: InstanceRow, taken: Taken) -> Taken:
        path = self.path_of(row)
        is_here = path.exists()
        if is_here and _digest(path) == hashlib.sha256(content).digest():
            return replace(taken, verdict=Verdict.REPEATED)
        free_bytes = shutil.disk_usage(self.folder).free
        if free_bytes - len(content) < self._min_free_bytes:
            return Taken(Verdict.NO_ROOM, taken.study, reason=f"only {free_bytes / 2**30:.2f} GiB of the disk are free")
        try:
            with atomic_writer(path) as file:
                file.write(content)
                file.flush()
                check_received(Path(file.name), row)
                if is_here and is_same_object(path, Path(file.name)):
                    raise _RepeatedError
        except _RepeatedError:
            return replace(taken, verdict=Verdict.REPEATED)
        return taken


class _RepeatedError(Exception):
    """Leaves the file that is here in its place."""


def _row_of(content: bytes) -> InstanceRow:
    with refusing(Path(), "is damaged", with_text=False), quiet(), io.BytesIO(content) as head:
        from pydicom import dcmread

        dataset = dcmread(head, stop_before_pixels=True, specific_tags=list(_UIDS))
        return InstanceRow(*(tags.text(dataset, keyword) for keyword in _UIDS))


def _check_writable(folder: Path) -> None:
    try:
        if not folder.is_dir():
            make_folder(folder.parent)
            folder.mkdir(mode=0o700)  # patients' images are for nobody else to read
        for study in filter(Path.is_dir, folder.iterdir()):
            for series in filter(Path.is_dir, study.iterdir()):
                sweep(series)  # what a killed process left half-written
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise WriteError(f"{folder}: cannot be written ({error.strerror or error}).") from error


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _hash(uid: str, length: int) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()[:length]
