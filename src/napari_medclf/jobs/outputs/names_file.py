"""``names.csv``: the only file of a run that leads from what results tell back to the true places of images."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.atomic import atomic_writer
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import WriteError

if TYPE_CHECKING:
    from napari_medclf.domain.run import CaseRecord
    from napari_medclf.jobs.outputs.case_names import HiddenPlace

NAMES = "names.csv"
_COLUMNS = ("case_id", "source", "path", "member")
_OWNER_ONLY = 0o600


def write_names(out: Path, places: Iterable[HiddenPlace]) -> None:
    """Write where the images and files truly are whose place is hidden; without any, nothing is written.

    What an earlier part of the run wrote is kept. Only the owner may read the file.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    hidden = {one.shown: (one.case_id, one.source) for one in places}
    if not hidden:
        return
    rows = _read(out) | hidden
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for place, (case_id, ref) in rows.items():
        writer.writerow((case_id, place, str(ref.path), f"#{ref.member}" if ref.member else ""))
    try:
        with atomic_writer(out / NAMES) as file:
            os.chmod(file.name, _OWNER_ONLY)
            file.write(text.getvalue().encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise WriteError(f"{out / NAMES}: cannot be written ({error.strerror or error}).") from error


def true_ref(out: Path, record: CaseRecord) -> FileRef:
    """Find where the image of a case truly is.

    Parameters
    ----------
    out : Path
        The run's folder.
    record : CaseRecord
        Of a case of that run.

    Returns
    -------
    FileRef
        As ``names.csv`` says; where it does not name the case, as the record's source says.
    """
    return true_refs(out, (record,))[record.source]


def true_refs(out: Path, records: Iterable[CaseRecord]) -> Mapping[str, FileRef]:
    """Find the images of many cases; see `true_ref`.

    Returns
    -------
    dict
        A record's source to its image.
    """
    from napari_medclf.jobs.runs.sources import split_member

    rows = _read(out)
    return {
        one.source: rows[one.source][1] if one.source in rows else split_member(Path(one.source)) for one in records
    }


def _read(out: Path) -> dict[str, tuple[str, FileRef]]:
    """Place to case and image; empty where there is no file, or it may not be read."""
    try:
        text = (out / NAMES).read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return {}
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return {
        row["source"]: (row["case_id"], FileRef(Path(row["path"]), row["member"][1:]))
        for row in rows
        if all(row.get(column) is not None for column in _COLUMNS)
    }
