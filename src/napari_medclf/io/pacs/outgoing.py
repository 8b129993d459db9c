"""What is about to be sent: files whose headers say what they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_medclf.atomic import is_temporary
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.pacs import InstanceRow, is_uid
from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.pacs.received import check_received
from napari_medclf.io.preflight import check_file, refusing

_KEYWORDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality")


@dataclass(frozen=True)
class Outgoing:
    """A DICOM file and what a server must know to take it."""

    path: Path
    row: InstanceRow
    transfer_syntax_uid: str
    modality: str
    n_bytes: int


def find_outgoing(paths: Iterable[Path]) -> tuple[tuple[Outgoing, ...], tuple[ReadError, ...]]:
    """List the DICOM files among files and folders, each SOP Instance UID once, and what was refused.

    In folders, files that are not DICOM are passed over; a file that was named is refused instead.
    """
    found: dict[str, Outgoing] = {}
    refused: list[ReadError] = []
    for path, is_named in _files(paths):
        try:
            if not is_named and not _is_dicom(path):
                continue
            one = describe_outgoing(path)
            if one.row.sop_uid in found:
                raise ReadError(path, f"is the same object as {found[one.row.sop_uid].path.name}", "It is sent once.")
            found[one.row.sop_uid] = one
        except ReadError as error:
            refused.append(error)
    return tuple(found.values()), tuple(refused)


def describe_outgoing(path: Path) -> Outgoing:
    """Read what a DICOM file is.

    Raises
    ------
    ReadError
        If it is no whole DICOM file with a file header (PS3.10), or lacks a UID.
    """
    size = check_file(path)
    if not _is_dicom(path):
        raise ReadError(path, "is no DICOM file with a preamble", "Only DICOM files can be sent.")
    with refusing(path, "has a damaged DICOM header", with_text=False), quiet():
        from pydicom import dcmread

        dataset = dcmread(path, stop_before_pixels=True, specific_tags=list(_KEYWORDS))
        sop_class, sop_uid, study_uid, series_uid, modality = (tags.text(dataset, keyword) for keyword in _KEYWORDS)
        syntax, told_uid = (tags.meta_text(dataset, one) for one in ("TransferSyntaxUID", "MediaStorageSOPInstanceUID"))
    if not all(map(is_uid, (sop_class, sop_uid, study_uid, series_uid, syntax))):
        raise ReadError(path, "lacks a UID of its class, itself, its series, its study or its transfer syntax")
    if told_uid != sop_uid:
        raise ReadError(path, "has a file header that names another object than the one inside")
    row = InstanceRow(study_uid, series_uid, sop_uid, sop_class)
    check_received(path, row)
    return Outgoing(path, row, syntax, modality, size)


def _files(paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    for path in paths:
        if not path.is_dir():
            yield path, True
            continue
        for inside in sorted(path.rglob("*")):
            if inside.is_file() and not is_temporary(inside):
                yield inside, False


def _is_dicom(path: Path) -> bool:
    check_file(path)
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"
