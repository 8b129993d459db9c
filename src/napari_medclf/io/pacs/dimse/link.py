"""A link to a DIMSE server: C-ECHO, C-FIND, C-GET or C-MOVE, C-STORE."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napari_medclf.domain.pacs import Arrival, Delivery, InstanceRow, SeriesRow, StudyQuery, StudyRow
from napari_medclf.io.pacs.dimse import get as dimse_get
from napari_medclf.io.pacs.dimse import move as dimse_move
from napari_medclf.io.pacs.dimse import query as dimse_query
from napari_medclf.io.pacs.dimse import send as dimse_send
from napari_medclf.io.pacs.dimse.line import Line
from napari_medclf.io.pacs.inbox import Inbox
from napari_medclf.io.pacs.outgoing import Outgoing
from napari_medclf.io.pacs.server import DimseServer


class DimseLink:
    """See `Link`; objects come by C-MOVE where the server knows us as a place to send to, else by C-GET."""

    def __init__(self, server: DimseServer) -> None:
        self._line = Line(server)

    def echo(self) -> None:
        """Ask whether the server is there and lets us in."""
        dimse_query.echo(self._line)

    def find_studies(self, query: StudyQuery, limit: int, *, with_names: bool) -> list[StudyRow]:
        """List studies, at most `limit`."""
        return dimse_query.find_studies(self._line, query, limit, with_names=with_names)

    def find_series(self, study_uid: str, modality: str = "") -> list[SeriesRow]:
        """List the series of a study."""
        return dimse_query.find_series(self._line, study_uid, modality)

    def find_instances(self, study_uid: str, series_uid: str) -> list[InstanceRow]:
        """List the objects of a series."""
        return dimse_query.find_instances(self._line, study_uid, series_uid)

    def fetch(self, inbox: Inbox, rows: Sequence[InstanceRow], tell: Callable[[Arrival], None]) -> None:
        """Fetch objects of one series into its inbox and tell of each."""
        way = dimse_move if self._line.server.move_ae_title else dimse_get
        way.fetch(self._line, inbox, rows, tell)

    def send(self, files: Sequence[Outgoing], tell: Callable[[Delivery], None]) -> None:
        """Send files and tell of each whether the server took it."""
        dimse_send.send(self._line, files, tell)

    def abort(self) -> None:
        """End what is under way."""
        self._line.abort()
