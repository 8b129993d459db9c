"""C-STORE: send objects as they are, byte for byte (PS3.4 B.2)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from napari_medclf.domain.pacs import Delivery
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.pacs.contexts import contexts_to_give
from napari_medclf.io.pacs.dimse.line import Line
from napari_medclf.io.pacs.outgoing import Outgoing
from napari_medclf.io.pacs.status import status_words

_MOST_CONTEXTS = 126
_MOST_BREAKS = 3
_NOT_TAKEN = "the server refused it: it takes no objects of this kind in this transfer syntax"
_WARNINGS = {
    0xB000: "The server changed elements of it.",
    0xB006: "The server left elements of it out.",
    0xB007: "To the server it does not match its kind.",
}


def send(line: Line, files: Sequence[Outgoing], tell: Callable[[Delivery], None]) -> None:
    """Send files and tell of each whether the server took it.

    Raises
    ------
    ServerError
        If the server cannot be reached, rejects us, or breaks off; what was told before was taken.
    """
    n_breaks = 0
    for group in _groups(files):
        while group:
            n_sent, is_broken = _send_group(line, group, tell)
            group = group[n_sent:]
            n_breaks = n_breaks + 1 if is_broken else 0
            if n_breaks >= _MOST_BREAKS:
                raise line.explain_silence()


def _send_group(line: Line, group: Sequence[Outgoing], tell: Callable[[Delivery], None]) -> tuple[int, bool]:
    """Send over one association; gives how many were dealt with, and whether the last one broke it."""
    with line.associate(contexts_to_give(map(_pair, group))) as association, _unchanged():
        accepted = {(str(one.abstract_syntax), str(one.transfer_syntax[0])) for one in association.accepted_contexts}
        for n_before, one in enumerate(group):
            line.check_stopped()
            if one.n_bytes % 2:
                tell(Delivery(one.row.sop_uid, reason="it has an odd number of bytes, which the protocol cannot carry"))
            elif _pair(one) not in accepted:
                tell(Delivery(one.row.sop_uid, reason=_NOT_TAKEN))
            else:
                with quiet():
                    status = association.send_c_store(one.path)
                line.check_stopped()
                if "Status" not in status:
                    tell(Delivery(one.row.sop_uid, reason="the server broke off at this object"))
                    return n_before + 1, True
                tell(_read_status(one, status))
    return len(group), False


def _read_status(one: Outgoing, status: Any) -> Delivery:
    if status.Status == 0:
        return Delivery(one.row.sop_uid)
    if status.Status in _WARNINGS:
        return Delivery(one.row.sop_uid, note=_WARNINGS[status.Status])
    return Delivery(one.row.sop_uid, reason=f"the server refused it: {status_words(status.Status)}")


def _pair(one: Outgoing) -> tuple[str, str]:
    return one.row.sop_class_uid, one.transfer_syntax_uid


def _groups(files: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    """Cut a list so that no part needs more kinds and packings than one association can name."""
    group: list[Outgoing] = []
    pairs: set[tuple[str, str]] = set()
    for one in files:
        if len(pairs | {_pair(one)}) > _MOST_CONTEXTS:
            yield group
            group, pairs = [], set()
        group.append(one)
        pairs.add(_pair(one))
    if group:
        yield group


_switching = threading.Lock()


@contextmanager
def _unchanged() -> Iterator[None]:
    """Have pynetdicom 3 send a file's bytes from the disk; by default it parses and writes them anew."""
    from pynetdicom import _config

    with _switching:
        before = _config.STORE_SEND_CHUNKED_DATASET
        _config.STORE_SEND_CHUNKED_DATASET = True
        try:
            yield
        finally:
            _config.STORE_SEND_CHUNKED_DATASET = before
