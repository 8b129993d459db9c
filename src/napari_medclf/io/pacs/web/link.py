"""A link to a DICOMweb server: QIDO-RS, WADO-RS, STOW-RS."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napari_medclf.domain.pacs import Arrival, Delivery, InstanceRow, SeriesRow, StudyQuery, StudyRow
from napari_medclf.io.pacs.inbox import Inbox
from napari_medclf.io.pacs.outgoing import Outgoing
from napari_medclf.io.pacs.server import DicomWebServer
from napari_medclf.io.pacs.web import get as web_get
from napari_medclf.io.pacs.web import query as web_query
from napari_medclf.io.pacs.web import send as web_send
from napari_medclf.io.pacs.web.session import WebSession


class WebLink:
    """See `Link`."""

    def __init__(self, server: DicomWebServer) -> None:
        self._session = WebSession(server)

    def echo(self) -> None:
        """Ask for one study, for DICOMweb knows no simpler question."""
        web_query.find_studies(self._session, StudyQuery(), 1, with_names=False)

    def find_studies(self, query: StudyQuery, limit: int, *, with_names: bool) -> list[StudyRow]:
        """List studies, at most `limit`."""
        return web_query.find_studies(self._session, query, limit, with_names=with_names)

    def find_series(self, study_uid: str, modality: str = "") -> list[SeriesRow]:
        """List the series of a study."""
        return web_query.find_series(self._session, study_uid, modality)

    def find_instances(self, study_uid: str, series_uid: str) -> list[InstanceRow]:
        """List the objects of a series."""
        return web_query.find_instances(self._session, study_uid, series_uid)

    def fetch(self, inbox: Inbox, rows: Sequence[InstanceRow], tell: Callable[[Arrival], None]) -> None:
        """Fetch objects of one series into its inbox and tell of each."""
        web_get.fetch(self._session, inbox, rows, tell)

    def send(self, files: Sequence[Outgoing], tell: Callable[[Delivery], None]) -> None:
        """Send files and tell of each whether the server took it."""
        web_send.send(self._session, files, tell)

    def abort(self) -> None:
        """End what is under way."""
        self._session.abort()

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()
