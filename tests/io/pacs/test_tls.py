"""Certificates are checked: what is not trusted gets no patient's data."""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from napari_medclf.domain.errors import ServerError


@pytest.fixture(scope="module")
def certificate(make_certificate):
    return make_certificate()


def context(certificate):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*certificate)
    return made


@pytest.fixture
def web(certificate):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context(certificate).wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_address[1]}/dicom-web"
    server.shutdown()
    server.server_close()


@pytest.fixture
def dimse(certificate):
    with echoing(context(certificate)) as port:
        yield port


@contextmanager
def echoing(encryption):
    """Answer C-ECHO on an encrypted line."""
    from pynetdicom import AE

    entity = AE("FAKE")
    entity.add_supported_context("1.2.840.10008.1.1")
    server = entity.start_server(("127.0.0.1", 0), block=False, ssl_context=encryption)
    yield server.server_address[1]
    server.shutdown()


def test_web_server_with_an_unknown_certificate_is_not_spoken_to(web, link_to):
    with link_to(web) as link, pytest.raises(ServerError, match="its certificate is not trusted"):
        link.echo()


def test_web_server_with_a_certificate_that_was_given_is(web, link_to, certificate):
    with link_to(f"{web}?ca={certificate[0]}") as link:
        link.echo()


def test_dimse_server_with_an_unknown_certificate_is_not_spoken_to(dimse, link_to):
    with link_to(f"dicoms://FAKE@127.0.0.1:{dimse}?timeout=5") as link, pytest.raises(ServerError, match="certificate"):
        link.echo()


def test_dimse_server_with_a_certificate_that_was_given_is(dimse, link_to, certificate):
    with link_to(f"dicoms://FAKE@127.0.0.1:{dimse}?ca={certificate[0]}&timeout=5") as link:
        link.echo()


def test_open_line_to_an_encrypted_server_is_told(dimse, link_to):
    with (
        link_to(f"dicom://FAKE@127.0.0.1:{dimse}?timeout=2") as link,
        pytest.raises(ServerError, match="Check the port"),
    ):
        link.echo()


def test_server_that_asks_who_we_are_is_shown_our_certificate(certificate, make_certificate, link_to):
    ours, key = make_certificate("we")
    asking = context(certificate)
    asking.verify_mode = ssl.CERT_REQUIRED
    asking.load_verify_locations(ours)
    with echoing(asking) as port:
        address = f"dicoms://FAKE@127.0.0.1:{port}?ca={certificate[0]}&timeout=5"
        with link_to(address) as link, pytest.raises(ServerError, match=r"\?certificate="):
            link.echo()
        with link_to(f"{address}&certificate={ours}&key={key}") as link:
            link.echo()
