"""`medclf pacs` asks, fetches and sends, for people and for programs."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from napari_medclf.testing.phantoms import oblique_phantom

STUDY, SERIES = "1.2.826.0.1.3680043.8.498.1.0", "1.2.826.0.1.3680043.8.498.1"


class WebArchive(BaseHTTPRequestHandler):
    """Keeps what is stored in memory and lists it; knows one study of one series."""

    files: dict[str, bytes]

    def do_POST(self):
        from pydicom import dcmread
        from pydicom.filebase import DicomBytesIO

        body = self.rfile.read(int(self.headers["Content-Length"]))
        content = body.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--")[0]
        self.files[dcmread(DicomBytesIO(content)).SOPInstanceUID] = content
        self._answer("application/dicom+json", b"{}")

    def do_GET(self):
        path = self.path.partition("?")[0]
        study = {"0020000D": STUDY, "00080020": "20240105", "00081030": "Thorax", "00100020": "mrn-0077"}
        lists = {
            "studies": [study | {"00100010": {"Alphabetic": "SECRET^JANE"}}],
            "series": [{"0020000E": SERIES, "00080060": "CT", "0008103E": "Thorax 3.5", "00201209": len(self.files)}],
            "instances": [{"00080018": uid} for uid in sorted(self.files)],
        }
        last = path.rpartition("/")[2]
        if last in lists:
            rows = [{tag: {"Value": [value]} for tag, value in one.items()} for one in lists[last]]
            self._answer("application/dicom+json", json.dumps(rows).encode())
            return
        chosen = [self.files[last]] if last in self.files else self.files.values()
        body = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + one + b"\r\n" for one in chosen)
        self._answer("multipart/related; boundary=b", body + b"--b--")

    def _answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    handler = type("Handler", (WebArchive,), {"files": {}})
    listener = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{listener.server_address[1]}/dicom-web"
    listener.shutdown()
    listener.server_close()


@pytest.fixture
def ct(tmp_path):
    from pydicom.dataset import Dataset, FileMetaDataset

    folder = tmp_path / "ct"
    folder.mkdir()
    image = oblique_phantom()
    for k in range(3):
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", f"{SERIES}.{k + 1}"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = STUDY, SERIES, "CT"
        dataset.PatientName, dataset.PatientID = "SECRET^JANE", "mrn-0077"
        dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [0, 0, 3.5 * k], [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing, dataset.FrameOfReferenceUID = [0.75, 0.5], "1.2.3"
        dataset.Rows, dataset.Columns = image.geometry.shape[1:]
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit, dataset.PixelRepresentation = 15, 1
        dataset.PixelData = image.data[k].astype("<i2").tobytes()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        dataset.save_as(folder / f"{k}.dcm", enforce_file_format=True)
    return folder


def test_results_are_sent_listed_and_fetched_to_be_read(medclf, server, ct, tmp_path):
    assert medclf("pacs", "servers", "add", "home", server) == 0
    sent = medclf.json("pacs", "send", "home", ct, "--verify")
    assert medclf.code == 0
    assert [(one["reason"], one["is_listed"], one["is_same"]) for one in sent["objects"]] == [("", True, True)] * 3

    found = medclf.json("pacs", "find", "home", "--level", "series")
    assert [one["study_uid"] for one in found["studies"]] == [STUDY]
    assert [(one["modality"], one["n_instances"]) for one in found["series"]] == [("CT", 3)]

    got = medclf.json("pacs", "get", "home", "--study", STUDY, "--out", tmp_path / "got")
    assert [(one["n_received"], one["is_whole"]) for one in got["series"]] == [(3, True)]
    (image,) = medclf.json("read", got["folder"])["images"]
    assert image["shape"] == [3, 20, 28]
    assert image["spacing_mm"] == [3.5, 0.75, 0.5]


def test_people_read_who_a_patient_is_only_when_they_ask(medclf, server):
    assert medclf("pacs", "find", server) == 0
    assert "SECRET" not in medclf.out + medclf.err
    assert "Thorax" in medclf.out
    assert medclf("pacs", "find", server, "--show-names") == 0
    assert "SECRET^JANE  mrn-0077" in medclf.out


def test_what_was_received_is_told(medclf, server, ct, tmp_path):
    assert medclf("pacs", "send", server, ct) == 0
    assert f"3 of 3 are at {server}" in medclf.out
    assert medclf("pacs", "get", server, "--study", STUDY, "--out", tmp_path / "got") == 0
    assert "CT, 3 objects received" in medclf.out
    assert medclf("pacs", "get", server, "--study", STUDY, "--out", tmp_path / "got") == 0
    assert "0 objects received, 3 were here" in medclf.out


def test_file_that_is_no_object_makes_the_exit_code_1(medclf, server, ct, tmp_path):
    (tmp_path / "notes.dcm").write_text("not for the archive")
    assert medclf("pacs", "send", server, ct, tmp_path / "notes.dcm") == 1
    assert "refused" in medclf.out
    assert medclf("pacs", "send", server, tmp_path / "notes.dcm") == 2


def test_server_answers_to_echo(medclf, server):
    document = medclf.json("pacs", "echo", server)
    assert document["protocol"] == "DICOMweb"
    assert document["elapsed_ms"] > 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["echo", "home"], "There is no server 'home'"),
        (["echo", "http://127.0.0.1:9/x"], "no server listens there"),
        (["ecko", "home"], "Did you mean 'echo'"),
        (["get", "home", "--study", "x"], "is no UID"),
        (["servers", "add", "home", "https://a:b@host/x"], "holds a password"),
    ],
)
def test_what_goes_wrong_is_one_sentence(medclf, arguments, sentence):
    assert medclf("pacs", *arguments) == 2
    assert sentence in medclf.err
    assert len(medclf.err.strip().splitlines()) == 1


def test_line_that_others_can_read_is_warned_of(medclf):
    assert medclf("pacs", "servers", "add", "home", "http://pacs.example/dicom-web") == 0
    assert "warning: pacs.example is spoken to without encryption" in medclf.err
    assert medclf.json("pacs", "servers")["servers"] == {"home": "http://pacs.example/dicom-web"}


def test_commands_are_listed_without_one(medclf):
    assert medclf("pacs") == 0
    assert all(name in medclf.out for name in ("echo", "find", "get", "send", "servers"))
