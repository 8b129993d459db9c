"""An archive in the test's own process that speaks enough DICOMweb for one study of one series."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

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


@contextmanager
def web_archive():
    """Start an empty one; gives its address."""
    handler = type("Handler", (WebArchive,), {"files": {}})
    listener = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{listener.server_address[1]}/dicom-web"
    listener.shutdown()
    listener.server_close()


def write_ct(folder: Path) -> Path:
    """Write three slices of that series."""
    from pydicom.dataset import Dataset, FileMetaDataset

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
