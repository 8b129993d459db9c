"""C-GET: objects come back over the association that asked for them (PS3.4 C.4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from napari_medclf.domain.errors import ServerError
from napari_medclf.domain.pacs import Arrival, InstanceRow
from napari_medclf.io.pacs.contexts import STUDY_ROOT_GET, contexts_to_take
from napari_medclf.io.pacs.dimse.line import Line
from napari_medclf.io.pacs.inbox import Inbox
from napari_medclf.io.pacs.status import status_words

_PENDING, _SOME_FAILED = (0xFF00, 0xFF01), 0xB000
_TAKEN, _REFUSED, _NOT_WRITTEN = 0x0000, 0xA900, 0xA700
_MOST_UIDS = 100


def fetch(line: Line, inbox: Inbox, rows: Sequence[InstanceRow], tell: Callable[[Arrival], None]) -> None:
    """Fetch objects of one series into its inbox and tell of each; those that do not come are not told.

    Raises
    ------
    ServerError
        If the server cannot be reached, refuses, or breaks off; what came before is kept.
    """
    from pynetdicom import build_context, build_role, evt

    if not rows:
        return
    contexts = contexts_to_take(row.sop_class_uid for row in rows)
    roles = [build_role(kind, scp_role=True) for kind in sorted({str(one.abstract_syntax) for one in contexts})]
    handlers = [(evt.EVT_C_STORE, taker(inbox, tell))]
    with line.associate([build_context(STUDY_ROOT_GET), *contexts], handlers=handlers, roles=roles) as association:
        _take_all(association)
        for identifier in identifiers(inbox, rows):
            follow(line, association.send_c_get(identifier, STUDY_ROOT_GET))


def _take_all(association: Any) -> None:
    """Take objects in every context the server accepted.

    Orthanc 1.10 answers no role for kinds that it does not know, such as label map segmentations of 2023, yet
    sends them; pynetdicom 3 has no public way to take them.
    """
    for context in association.accepted_contexts:
        vars(context)["_as_scp"] = True


def taker(inbox: Inbox, tell: Callable[[Arrival], None]) -> Callable[[Any], int]:
    """Make the handler that puts what a server stores with us into the inbox; it gives the status."""

    def take(event: Any) -> int:
        try:
            arrival = inbox.keep([event.encoded_dataset()])
        except OSError as error:
            tell(Arrival(str(event.request.AffectedSOPInstanceUID), reason=f"cannot be written ({error.strerror})"))
            return _NOT_WRITTEN
        tell(arrival)
        # What nobody asked for is dropped without a word: Orthanc ends a C-MOVE at the first refusal.
        return _REFUSED if arrival.reason and not arrival.is_stray else _TAKEN

    return take


def identifiers(inbox: Inbox, rows: Sequence[InstanceRow]) -> Iterator[Any]:
    """Say what is asked for: the whole series, or single objects of it in lists of a hundred."""
    from pydicom import Dataset

    is_whole = len(rows) == len(inbox.wanted)
    for start in range(0, 1 if is_whole else len(rows), _MOST_UIDS):
        identifier = Dataset()
        identifier.QueryRetrieveLevel = "SERIES" if is_whole else "IMAGE"
        identifier.StudyInstanceUID, identifier.SeriesInstanceUID = rows[0].study_uid, rows[0].series_uid
        if not is_whole:
            identifier.SOPInstanceUID = [row.sop_uid for row in rows[start : start + _MOST_UIDS]]
        yield identifier


def follow(line: Line, answers: Iterator[tuple[Any, Any]], hint: str = "") -> None:
    """Wait for the end of a C-GET or C-MOVE.

    Raises
    ------
    ServerError
        If it failed as a whole; that single objects did not come is told by their absence.
    """
    for status, _ in answers:
        line.check_stopped()
        if "Status" not in status:
            raise line.explain_silence()
        if status.Status and status.Status not in (*_PENDING, _SOME_FAILED):
            raise ServerError(f"{line.server}: does not send the series; {status_words(status.Status)}.{hint}")
