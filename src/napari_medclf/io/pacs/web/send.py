"""STOW-RS: send objects, one a request, so that each has its own answer (PS3.18 10.5)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from napari_medclf.domain.pacs import Delivery
from napari_medclf.io.pacs.outgoing import Outgoing
from napari_medclf.io.pacs.status import status_words
from napari_medclf.io.pacs.web.session import WebSession

_CHUNK = 2**18
_FAILED, _REFERENCED = "00081198", "00081199"
_FAILURE_REASON, _WARNING_REASON = "00081197", "00081196"
_TAKEN, _IN_PART = 200, 202


def send(session: WebSession, files: Sequence[Outgoing], tell: Callable[[Delivery], None]) -> None:
    """Send files and tell of each whether the server took it.

    Raises
    ------
    ServerError
        If the server cannot be reached, refuses us, or breaks off; what was told before was taken.
    """
    for one in files:
        body = _Body(one.path, one.n_bytes, session.check_stopped)
        headers = {"Content-Type": body.content_type, "Accept": "application/dicom+json"}
        status, answer = session.post("/studies", body, headers)
        tell(_read_answer(one.row.sop_uid, status, answer))


def _read_answer(sop_uid: str, status: int, answer: bytes) -> Delivery:
    document: Any = {}
    with suppress(ValueError):  # some servers answer in XML whatever is asked for; the status says it too
        document = json.loads(answer)
    document = document[0] if isinstance(document, list) and document else document
    # Orthanc sends an empty sequence of failures after success, so its presence says nothing.
    failed, taken = _items(document, _FAILED), _items(document, _REFERENCED)
    if failed:
        return Delivery(sop_uid, reason=f"the server refused it: {status_words(_number(failed[0], _FAILURE_REASON))}")
    if status == _TAKEN or (status == _IN_PART and taken):
        warning = _number(taken[0], _WARNING_REASON) if taken else 0
        return Delivery(sop_uid, note=f"The server took it with a warning (0x{warning:04X})." if warning else "")
    return Delivery(sop_uid, reason=f"the server refused it (HTTP {status})")


def _items(document: Any, tag: str) -> list[Any]:
    element = document.get(tag) if isinstance(document, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return [one for one in values if one] if isinstance(values, list) else []


def _number(item: Any, tag: str) -> int:
    element = item.get(tag) if isinstance(item, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values and isinstance(values[0], int) else 0


class _Body:
    """A multipart body with one file in it, read piece by piece as it goes out."""

    def __init__(self, path: Path, n_bytes: int, check_stopped: Callable[[], None]) -> None:
        boundary = uuid.uuid4().hex
        self.content_type = f'multipart/related; type="application/dicom"; boundary="{boundary}"'
        self._head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        self._foot = f"\r\n--{boundary}--\r\n".encode()
        self._path, self._n_bytes, self._check_stopped = path, n_bytes, check_stopped

    def __len__(self) -> int:
        return len(self._head) + self._n_bytes + len(self._foot)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        with self._path.open("rb") as file:
            while piece := file.read(_CHUNK):
                self._check_stopped()
                yield piece
        yield self._foot
