"""An address says all about a server, comes back as it was, and holds no password."""

from __future__ import annotations

import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.io.pacs.server import DicomWebServer, DimseServer, parse_server


@pytest.mark.parametrize(
    "address",
    [
        "https://pacs.example/dicom-web",
        "https://jane@pacs.example:8443/dicom-web?secret=keyring:pacs&timeout=60",
        "https://pacs.example/dicom-web?secret=env:PACS_TOKEN",
        "http://127.0.0.1:8042/dicom-web",
        "dicom://ORTHANC@127.0.0.1:4242",
        "dicom://MY PACS@host:104?calling=MEDCLF2&move=MEDCLF:11112&timeout=5",
        "dicoms://PACS@[::1]:2762",
    ],
)
def test_address_comes_back_as_it_was(address):
    assert parse_server(address).address == address


def test_dicomweb_address_is_read():
    server = parse_server("https://jane@pacs.example:8443/dicom-web/?secret=keyring:pacs&timeout=60")
    assert server == DicomWebServer("https://pacs.example:8443/dicom-web", "jane", "keyring:pacs", timeout_s=60)


def test_dimse_address_is_read():
    server = parse_server("dicoms://PACS@host:2762?calling=ME&move=MEDCLF:11112")
    assert server == DimseServer("host", 2762, "PACS", "ME", "MEDCLF", 11112, is_tls=True)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("pacs.example", "is no server's address"),
        ("ftp://host/x", "is no server's address"),
        ("http://host:99999/x", "no server's address"),
        ("https:///dicom-web", "is no DICOMweb address"),
        ("dicom://host:104", "lacks the AE title or the port"),
        ("dicom://PACS@host", "lacks the AE title or the port"),
        ("dicom://A_NAME_OF_17_CHARS@host:104", "is no AE title"),
        ("dicom://PACS@host:104?move=MEDCLF", "C-MOVE needs our own name and port"),
        ("https://host/x?secret=hunter2", "A secret is named, not given"),
        ("https://host/x?token=env:A", "knows no 'token'"),
        ("https://host/x?timeout=soon", "no number of seconds"),
        ("https://host/x?timeout=-1", "between 0 and 3600 s"),
        ("https://host/x?ca=/no/such/file.pem", "no file of certificates"),
        ("http://host/x?secret=env:TOKEN", "is not encrypted"),
    ],
)
def test_wrong_addresses_are_told(address, sentence):
    with pytest.raises(OptionError, match=sentence):
        parse_server(address)


@pytest.mark.parametrize("address", ["https://jane:hunter2@host/x", "dicom://PACS:hunter2@host:104"])
def test_password_in_an_address_is_refused_and_not_repeated(address):
    with pytest.raises(OptionError, match="holds a password") as caught:
        parse_server(address)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "is_warned"),
    [
        ("http://pacs.example/dicom-web", True),
        ("https://pacs.example/dicom-web", False),
        ("http://localhost:8042/dicom-web", False),
        ("http://127.0.0.1:8042/dicom-web", False),
    ],
)
def test_only_open_lines_to_other_machines_are_warned_of(address, is_warned):
    warnings = parse_server(address).warnings
    assert bool(warnings) == is_warned
    assert all("without encryption" in one for one in warnings)
