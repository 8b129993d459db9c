"""One way to speak to any archive, whichever protocol it speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from napari_medclf.domain.pacs import Arrival, Delivery, InstanceRow, SeriesRow, StudyQuery, StudyRow
from napari_medclf.io.pacs.inbox import Inbox
from napari_medclf.io.pacs.needs import hushed
from napari_medclf.io.pacs.outgoing import Outgoing
from napari_medclf.io.pacs.server import DicomWebServer, DimseServer, Server


class Link(Protocol):
    """What can be asked of an archive; every method raises `ServerError` with one sentence.

    Methods block; `abort` may be called from another thread and ends them.
    """

    def echo(self) -> None:
        """Ask whether the server is there and lets us in."""

    def find_studies(self, query: StudyQuery, limit: int, *, with_names: bool) -> list[StudyRow]:
        """List studies, at most `limit`."""

    def find_series(self, study_uid: str, modality: str = "") -> list[SeriesRow]:
        """List the series of a study."""

    def find_instances(self, study_uid: str, series_uid: str) -> list[InstanceRow]:
        """List the objects of a series."""

    def fetch(self, inbox: Inbox, rows: Sequence[InstanceRow], tell: Callable[[Arrival], None]) -> None:
        """Fetch objects of one series into its inbox and tell of each."""

    def send(self, files: Sequence[Outgoing], tell: Callable[[Delivery], None]) -> None:
        """Send files and tell of each whether the server took it."""

    def abort(self) -> None:
        """End what is under way, from another thread."""


@contextmanager
def open_link(server: Server) -> Iterator[Link]:
    """Speak to a server; while it is open, the network libraries log nothing.

    Raises
    ------
    BackendUnavailable
        If the packages of the extra ``pacs`` are missing.
    """
    if isinstance(server, DicomWebServer):
        from napari_medclf.io.pacs.web.link import WebLink

        web = WebLink(server)
        with hushed():
            try:
                yield web
            finally:
                web.close()
        return
    from napari_medclf.io.pacs.dimse.link import DimseLink

    with hushed():
        yield DimseLink(server)


def protocol_of(server: Server) -> str:
    """Name how objects come from a server: ``DICOMweb``, ``C-GET`` or ``C-MOVE``."""
    if isinstance(server, DimseServer):
        return "C-MOVE" if server.move_ae_title else "C-GET"
    return "DICOMweb"
