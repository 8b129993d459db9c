"""Ask whether a server is there and lets us in."""

from __future__ import annotations

import time
from dataclasses import dataclass

from napari_medclf.domain.events import Job, Warned
from napari_medclf.domain.options import check_options, option
from napari_medclf.jobs.pacs.follow import ask, linked

SERVER_HELP = "name of a server (`medclf pacs servers`), or its address: https://host/dicom-web, dicom://AET@host:104"


@dataclass(frozen=True)
class EchoOptions:
    """Which server to ask."""

    server: str = option(help=SERVER_HELP, positional=True)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class Echo:
    """A server that answered, how it is spoken to, and after how long it answered."""

    server: str
    protocol: str
    elapsed_ms: float


def echo(options: EchoOptions) -> Job[Echo]:
    """Ask a server for a sign of life: C-ECHO, or a search for one study over DICOMweb.

    Raises
    ------
    ServerError
        If there is none, or it does not let us in, as one sentence.
    """
    from napari_medclf.io.pacs.link import protocol_of

    with linked(options.server) as (server, link):
        for warning in server.warnings:
            yield Warned(warning)
        started_s = time.perf_counter()
        yield from ask(link.echo, link, f"calling {server}")
        return Echo(str(server), protocol_of(server), 1000 * (time.perf_counter() - started_s))
