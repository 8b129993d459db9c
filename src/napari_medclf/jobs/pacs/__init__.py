"""To and from a picture archive (PACS): ask, fetch, send; the command line and the window both come here."""

from __future__ import annotations

from napari_medclf.jobs.pacs.echo import Echo, EchoOptions, echo
from napari_medclf.jobs.pacs.find import FindOptions, Found, find
from napari_medclf.jobs.pacs.get import GetOptions, Received, ReceivedSeries, get
from napari_medclf.jobs.pacs.send import SendOptions, Sent, SentObject, send
from napari_medclf.jobs.pacs.servers import ServersOptions, ServerTable, server_names, servers

__all__ = [
    "Echo",
    "EchoOptions",
    "FindOptions",
    "Found",
    "GetOptions",
    "Received",
    "ReceivedSeries",
    "SendOptions",
    "Sent",
    "SentObject",
    "ServerTable",
    "ServersOptions",
    "echo",
    "find",
    "get",
    "send",
    "server_names",
    "servers",
]
