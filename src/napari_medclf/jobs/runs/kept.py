"""What of an earlier run need not be done again: same image, same model, same options, whole files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.jobs.runs.case import RunCase


def find_kept(out: Path, cases: Sequence[RunCase], answered_by: str) -> Job[dict[str, CaseRecord]]:
    """Find the cases that an earlier run in a folder has done, by source; images and files are hashed.

    Parameters
    ----------
    out : Path
        The folder of results; there may be none yet.
    answered_by : str
        Of the run that shall go on; see `store.runs.answered_by`.

    Raises
    ------
    OptionError
        If there is a ledger that cannot be read.
    """
    from napari_medclf.store.runs import RunFolder

    folder = RunFolder(out)
    records = folder.records()
    kept: dict[str, CaseRecord] = {}
    for position, case in enumerate(cases if records else ()):
        record = records.get(case.place)
        if record is None or (record.status, record.answered_by) != (CaseStatus.DONE, answered_by):
            continue
        yield Progress(position, len(cases), f"checking {case.case_id}")
        if _has_input(case, record.input_sha256) and folder.are_intact(record.outputs):
            kept[case.place] = record
    return kept


def input_digest(case: RunCase) -> str:
    """SHA-256 over the bytes of all files of a case's image, whatever they are called.

    Raises
    ------
    ReadError
        If one of them is gone or cannot be read.
    """
    from napari_medclf.store.runs import input_sha256

    return input_sha256(case.files or files_of(case.source))


def files_of(source: FileRef) -> tuple[Path, ...]:
    """Find the files of an image that was not listed; of a series its folder's headers are read.

    Raises
    ------
    ReadError
        If it is not there any more.
    """
    if os.path.isfile(source.path):  # Path.is_file raises for a share that was disconnected
        return (source.path,)
    from napari_medclf.io.read import discover

    for entry in discover(source.path).entries:
        if entry.ref == source or (not source.member and entry.ref.path.is_relative_to(source.path)):
            return entry.files
    is_there = os.path.exists(source.path)
    raise ReadError(source.path, f"holds no {source.member or 'image'} any more" if is_there else "is gone")


def _has_input(case: RunCase, input_sha256: str) -> bool:
    try:
        return input_digest(case) == input_sha256
    except ReadError:  # the run says why, when it comes to the case
        return False
