"""Archives and receivers that live in the test's own process, on loopback; archives can be told to misbehave."""

from __future__ import annotations

import queue
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from napari_medclf.domain.pacs import InstanceRow
from napari_medclf.io.pacs.depot import Depot
from napari_medclf.io.pacs.dimse.receive import receiving
from napari_medclf.io.pacs.dimse.reception import Reception
from napari_medclf.testing.phantoms import oblique_phantom

GET_FIND_MOVE = [f"1.2.840.10008.5.1.4.1.2.2.{n}" for n in (1, 2, 3)]


@pytest.fixture(scope="session")
def ct(tmp_path_factory, write_series) -> list[Path]:
    """Twelve slices of one series, in the order of their SOP Instance UIDs."""
    folder = write_series(tmp_path_factory.mktemp("ct"), oblique_phantom())
    return sorted(folder.iterdir(), key=lambda path: dcmread(path).SOPInstanceUID)


@pytest.fixture
def rows(ct) -> tuple[InstanceRow, ...]:
    """What a server would list of that series."""
    return tuple(row_of(dcmread(path)) for path in ct)


def row_of(dataset) -> InstanceRow:
    """Give the row of a data set."""
    return InstanceRow(
        *(str(dataset[f"{level}InstanceUID"].value) for level in ("Study", "Series", "SOP")), str(dataset.SOPClassUID)
    )


class DimseArchive:
    """A PACS of data sets; `changes` replaces what it does: a status, or a function of the data set it sends."""

    def __init__(self, paths) -> None:
        self.datasets = [dcmread(path) for path in paths]
        self.changes: dict[str, object] = {}
        self.stored: list[bytes] = []
        self.asked: list[Dataset] = []
        self.silence = threading.Event()
        self.port = self.move_port = 0

    @property
    def address(self) -> str:
        """Where it is."""
        return f"dicom://FAKE@127.0.0.1:{self.port}"

    def start(self):
        """Listen on a free port."""
        from pynetdicom import AE, AllStoragePresentationContexts, evt
        from pynetdicom.sop_class import Verification

        from napari_medclf.io.pacs.contexts import SYNTAXES

        entity = AE("FAKE")
        entity.require_called_aet = True
        entity.require_calling_aet = self.changes.get("callers", [])
        for kind in (Verification, *GET_FIND_MOVE):
            entity.add_supported_context(kind)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, list(SYNTAXES), scu_role=True, scp_role=True)
        handlers = [
            (evt.EVT_C_ECHO, self._on_echo),
            (evt.EVT_C_FIND, self._on_find),
            (evt.EVT_C_GET, self._on_get),
            (evt.EVT_C_MOVE, self._on_move),
            (evt.EVT_C_STORE, self._on_store),
        ]
        listener = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.port = listener.server_address[1]
        return listener

    def _on_echo(self, event):
        self._wait()
        return self.changes.get("echo", 0x0000)

    def _on_find(self, event):
        self._wait()
        self.asked.append(event.identifier)
        if "find" in self.changes:
            yield self.changes["find"], None
            return
        level = event.identifier.QueryRetrieveLevel
        keyword = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}[level]
        for one in {dataset[keyword].value: dataset for dataset in self.datasets}.values():
            answer = Dataset()
            for element in event.identifier:
                setattr(answer, element.keyword, one.get(element.keyword, ""))
            answer.QueryRetrieveLevel = level
            yield 0xFF00, self.changes.get("answer", lambda answer: answer)(answer)

    def _on_get(self, event):
        chosen = self._chosen(event.identifier)
        yield len(chosen)
        for dataset in chosen:
            self._wait()
            yield 0xFF00, self.changes.get("send", lambda dataset: dataset)(dataset)

    def _on_move(self, event):
        if "move" in self.changes:
            yield self.changes["move"]
            return
        from pynetdicom import build_context

        kind = self.changes.get("kind", self.datasets[0].SOPClassUID)
        contexts = [build_context(kind, "1.2.840.10008.1.2.1")]
        yield "127.0.0.1", self.move_port, {"contexts": contexts}
        yield from self._on_get(event)

    def _on_store(self, event):
        self._wait()
        self.stored.append(event.request.DataSet.getvalue())
        return self.changes.get("store", 0x0000)

    def _chosen(self, identifier):
        uids = identifier.get("SOPInstanceUID") or [one.SOPInstanceUID for one in self.datasets]
        uids = [uids] if isinstance(uids, str) else list(uids)
        chosen = [one for one in self.datasets if one.SOPInstanceUID in uids]
        return chosen + self.changes.get("more", [])

    def _wait(self):
        if self.changes.get("silent"):
            self.silence.wait(20)


@pytest.fixture
def dimse(ct):
    """Give a function that starts a DIMSE archive of the series with some changes."""
    started = []

    def start(**changes) -> DimseArchive:
        archive = DimseArchive(ct)
        archive.changes = changes
        started.append((archive, archive.start()))
        return archive

    yield start
    for archive, listener in started:
        archive.silence.set()
        listener.shutdown()


@pytest.fixture
def web():
    """Give a function that starts a web server from answers: path to (status, headers, body)."""
    started = []

    def start(answers) -> tuple[str, list]:
        requests = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answers, requests))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/dicom-web", requests

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def _handler(answers, requests):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer("GET")

        def do_POST(self):
            self._answer("POST")

        def _answer(self, method):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            requests.append((method, self.path, dict(self.headers), body))
            answer = answers(self.path) if callable(answers) else answers.get(self.path.split("?")[0], (404, {}, b""))
            status, headers, content = answer
            self.send_response(status)
            headers = {"Content-Length": str(len(content)), **headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    return Handler


@contextmanager
def linked(address: str):
    """Open a link to an address."""
    from napari_medclf.io.pacs.link import open_link
    from napari_medclf.io.pacs.server import parse_server

    with open_link(parse_server(address)) as link:
        yield link


@pytest.fixture
def link_to():
    """Give `linked`."""
    return linked


class Desk:
    """A receiver, its folder, and what it told."""

    def __init__(self, depot, port, told) -> None:
        self.depot, self.port, self._told = depot, port, told

    def told(self, kind, n=1):
        """Wait for things of a kind."""
        found = []
        until = time.monotonic() + 20
        while len(found) < n and time.monotonic() < until:
            with_one = self._told.get(timeout=20)
            found += [with_one] if isinstance(with_one, kind) else []
        return found

    def objects(self):
        """Data sets that are kept, by SOP Instance UID."""
        return {str(one.SOPInstanceUID): one for one in map(dcmread, self.depot.folder.rglob("*.dcm"))}


@pytest.fixture
def desk(tmp_path):
    """Give a function that opens a receiver."""

    @contextmanager
    def open_desk(depot=None, **settings):
        depot = depot or Depot(tmp_path / "received")
        told = queue.Queue()
        with receiving(Reception(0, **settings), depot, told.put) as port:
            yield Desk(depot, port, told)

    return open_desk


@pytest.fixture(scope="session")
def make_certificate(tmp_path_factory):
    """Give a function that makes a certificate of 127.0.0.1, and its key, that nobody vouches for."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here to make a certificate")

    def make(name="pacs"):
        folder = tmp_path_factory.mktemp("tls")
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
        names = ["-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run([*command, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        return certificate, key

    return make
