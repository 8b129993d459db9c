"""Run a model on what scanners and archives send to us."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

from napari_medclf.domain.events import Job, Noted
from napari_medclf.domain.run import RunRecord
from napari_medclf.jobs.watch.arrivals import DepotArrivals
from napari_medclf.jobs.watch.options import ListenOptions
from napari_medclf.jobs.watch.start import prepare, serve

if TYPE_CHECKING:
    from napari_medclf.io.pacs.certificates import Certificates
    from napari_medclf.io.pacs.dimse.reception import Told


def listen(options: ListenOptions) -> Job[RunRecord]:
    """Receive by C-STORE and run every study that has arrived complete, until stopped.

    Raises
    ------
    BackendUnavailable
        If the packages of the extra ``pacs`` are missing.
    ServerError
        If the port cannot be listened on.
    CardError
        If there is no such model.
    OptionError
        If others than this computer may send and none is named, the certificates cannot be used, or the results'
        folder belongs to another run.
    WriteError
        If the folder for what is received cannot be written.
    """
    from napari_medclf.io.pacs.depot import Depot
    from napari_medclf.io.pacs.dimse.receive import receiving
    from napari_medclf.io.pacs.dimse.reception import Reception
    from napari_medclf.io.pacs.needs import require

    require("pynetdicom")
    reception = Reception(
        options.port,
        options.host,
        options.ae_title,
        options.calling,
        options.max_senders,
        options.max_object_mb * 2**20,
        certificates=_certificates(options),
    )
    plan, loaded = yield from prepare("listen", options)
    depot = Depot(options.received_folder.absolute(), round(options.min_free_gb * 1e9))
    told: queue.SimpleQueue[Told] = queue.SimpleQueue()
    with receiving(reception, depot, told.put) as port:
        how = "with TLS" if reception.certificates else "without encryption"
        yield Noted(f"{options.ae_title} listens on {options.host}:{port} {how}; received objects go to {depot.folder}")
        return (yield from serve(options, plan, loaded, DepotArrivals(depot, told)))


def _certificates(options: ListenOptions) -> Certificates | None:
    from napari_medclf.io.pacs.certificates import Certificates

    if options.certificate is None:
        return None
    certificates = Certificates(options.certificate, options.key, options.trusted)
    certificates.of_server()  # refused before the model is loaded
    return certificates
