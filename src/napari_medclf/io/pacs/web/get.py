"""WADO-RS: fetch objects as the files they are stored as, straight to disk (PS3.18 10.4)."""

from __future__ import annotations

import email.message
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

from napari_medclf.domain.errors import ServerError
from napari_medclf.domain.pacs import Arrival, InstanceRow
from napari_medclf.io.pacs.inbox import Inbox
from napari_medclf.io.pacs.multipart import read_parts
from napari_medclf.io.pacs.web.session import WebSession

# `*`: as stored. Without it the standard makes servers unpack every image (PS3.18 8.7.3.5.2).
_ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_FEW = 3


def fetch(session: WebSession, inbox: Inbox, rows: Sequence[InstanceRow], tell: Callable[[Arrival], None]) -> None:
    """Fetch objects of one series into its inbox and tell of each; those that do not come are not told.

    Raises
    ------
    ServerError
        If the server cannot be reached, refuses, or breaks off; what came before is kept.
    """
    if not rows:
        return
    path = f"/studies/{rows[0].study_uid}/series/{rows[0].series_uid}"
    if len(rows) == len(inbox.wanted) and len(rows) > _FEW:
        _fetch_from(session, path, inbox, tell)
        return
    for row in rows:
        _fetch_from(session, f"{path}/instances/{row.sop_uid}", inbox, tell)


def _fetch_from(session: WebSession, path: str, inbox: Inbox, tell: Callable[[Arrival], None]) -> None:
    with session.stream(path, _ACCEPT) as (headers, pieces):
        for part in _parts(headers, pieces):
            tell(inbox.keep(part))
        for _ in itertools.islice(pieces, _FEW):  # an answer that was read to its end leaves the line open for the next
            pass


def _parts(headers: Mapping[str, str], pieces: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    kind = email.message.Message()
    kind["Content-Type"] = headers.get("Content-Type", "")
    boundary = kind.get_param("boundary")
    if kind.get_content_type() == "multipart/related" and isinstance(boundary, str) and boundary:
        return read_parts(pieces, boundary.encode("latin-1", "replace"))
    if kind.get_content_type() == "application/dicom":  # some servers send a single object bare
        return iter([pieces])
    raise ServerError("The server answers something else than DICOM files. Check the address.")
