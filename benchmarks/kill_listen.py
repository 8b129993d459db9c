"""Kill `medclf listen` at random moments while studies come in, start it again, and compare with an undisturbed one.

    python benchmarks/kill_listen.py --trials 30

A sender stores three studies slice by slice over interleaved associations; the service is killed (SIGKILL) at a random
moment from the first slice to the last result. After a restart the sender brings again what was not acknowledged, or
everything, as senders do. In the end every object that was acknowledged must be there byte for byte, every study must
have been run once and whole, and the labels must be those of a service that nobody disturbed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

N_STUDIES, N_SLICES = 3, 12
CT = "1.2.840.10008.5.1.4.1.1.2"
SETTLE_S, PATIENCE_S = 0.5, 60.0
LONGEST_S = 120.0


def main() -> None:
    """Run the trials and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        serve(given.serve, given.port)
        return
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        studies = make_studies(Path(folder) / "studies")
        wanted = undisturbed(studies, Path(folder) / "undisturbed")
        moments = [trial(studies, wanted, Path(folder) / str(n), chance) for n in range(given.trials)]
    told = {moment: moments.count(moment) for moment in sorted(set(moments))}
    print(json.dumps({"trials": given.trials, "killed": told, "lost": 0, "different": 0}))


def serve(out: Path, port: int) -> None:
    """Listen with a model that compares with a threshold; this is the process that is killed."""
    import numpy as np

    from napari_medclf.cli.main import main as medclf
    from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
    from napari_medclf.domain.events import Progress
    from napari_medclf.domain.input_spec import InputSpec, Intensity
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.domain.output_spec import OutputSpec
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.results import Prediction, Segmentation
    from napari_medclf.jobs import models
    from napari_medclf.jobs import predict as jobs_predict

    card = ModelCard(
        name="bright",
        version="1",
        task=Task.SEGMENT,
        title="Bright",
        description="What is bright.",
        input=InputSpec(spatial_dims=3, channels=("CT",), intensity=Intensity(kind="none"), patch_vox=(8, 8, 8)),
        output=OutputSpec(schema=LabelSchema.from_names(["bright"], first_value=1)),
        network=NetworkSpec(target="threshold"),
        licence="CC0",
    )

    class Threshold:
        place = "cpu"

        def predict(self, image: Any, settings: Any) -> Any:
            yield Progress(0, 1, "thinking")
            labels = (np.asarray(image.data).reshape(image.geometry.shape) > 1000).astype(np.uint8)
            return Prediction(
                "bright", "1", image.name, segmentation=Segmentation(labels, image.geometry, card.schema_)
            )

    setattr(models, "find_model", lambda name: ModelPackage(card, out.parent))  # noqa: B010  (for this process)
    setattr(jobs_predict, "load_package", lambda *arguments: Threshold())  # noqa: B010
    flags = ["--settle", str(SETTLE_S), "--patience", str(PATIENCE_S), "--min-free-gb", "0"]
    sys.exit(medclf(["listen", "--port", str(port), "--model", "bright", "--out", str(out), *flags]))


def make_studies(folder: Path) -> list[list[Path]]:
    """Write studies of a small CT each."""
    import numpy as np
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

    folder.mkdir(parents=True)
    studies = []
    for number in range(N_STUDIES):
        study_uid, series_uid, frame_uid = (generate_uid(entropy_srcs=[f"{level}{number}"]) for level in "abc")
        paths = []
        for k in range(N_SLICES):
            dataset, meta = Dataset(), FileMetaDataset()
            dataset.SOPClassUID, dataset.SOPInstanceUID = UID(CT), generate_uid(entropy_srcs=[f"{number}/{k}"])
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study_uid, series_uid
            dataset.FrameOfReferenceUID, dataset.Modality = frame_uid, "CT"
            dataset.PatientName, dataset.PatientID, dataset.StudyID = "A^B", f"p{number}", "1"
            dataset.StudyDate = dataset.StudyTime = dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
            dataset.SeriesNumber, dataset.InstanceNumber = 1, k + 1
            dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [0, 0, 2.5 * k], [1, 0, 0, 0, 1, 0]
            dataset.PixelSpacing, dataset.SliceThickness = [0.8, 0.8], 2.5
            dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 64, 48, 1
            dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME2", 1
            dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
            dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
            values = np.random.default_rng([number, k]).integers(-1000, 2000, (64, 48))
            dataset.PixelData = values.astype("<i2").tobytes()
            meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(CT), dataset.SOPInstanceUID
            meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.file_meta = meta
            paths.append(folder / f"{number}-{k:02d}.dcm")
            dataset.save_as(paths[-1], enforce_file_format=True)
        studies.append(paths)
    return studies


class Service:
    """A service in a process of its own."""

    def __init__(self, out: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, __file__, "--serve", str(out), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        for line in self.process.stderr or ():
            if "listens on" in line:
                return
        raise AssertionError("the service did not begin to listen")

    def kill(self) -> None:
        """End it at once."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def stop(self) -> None:
        """End it as a person would."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)


def send(port: int, studies: list[list[Path]], on_slice: Callable[[int], object] = lambda n: None) -> set[Path]:
    """Send slices of all studies in turn; gives those that were acknowledged. Ends early when the service is gone."""
    from pynetdicom import AE

    acknowledged: set[Path] = set()
    associations = []
    for number in range(len(studies)):
        entity = AE(f"CT{number}")
        entity.add_requested_context(CT, "1.2.840.10008.1.2.1")
        entity.connection_timeout = entity.dimse_timeout = entity.network_timeout = 10
        associations.append(entity.associate("127.0.0.1", port, ae_title="MEDCLF"))
    for k in range(N_SLICES):
        for association, paths in zip(associations, studies, strict=True):
            on_slice(len(acknowledged))
            if not association.is_established:
                continue
            try:
                status = association.send_c_store(paths[k])
            except (RuntimeError, ValueError, OSError):
                continue
            if "Status" in status and status.Status == 0:
                acknowledged.add(paths[k])
    for association in associations:
        if association.is_established:
            association.release()
    return acknowledged


def results(out: Path) -> dict[str, str]:
    """Digest of the labels of every case that is done."""
    from napari_medclf.store.runs import RunFolder

    found = {}
    for record in RunFolder(out).records().values():
        assert record.status.value != "failed", record
        if record.status.value == "done":
            (name,) = (name for name in record.outputs if name.endswith("segmentation.nii.gz"))
            found[record.case_id] = hashlib.sha256((out / name).read_bytes()).hexdigest()
            assert found[record.case_id] == record.outputs[name]
    return found


def wait_for_results(out: Path, n: int) -> dict[str, str]:
    """Wait until so many cases are done."""
    until = time.monotonic() + LONGEST_S
    while len(results(out)) < n:
        assert time.monotonic() < until, results(out)
        time.sleep(0.1)
    return results(out)


def undisturbed(studies: list[list[Path]], out: Path) -> dict[str, str]:
    """Results of a service that nobody kills."""
    out.parent.mkdir(parents=True, exist_ok=True)
    service = Service(out)
    assert len(send(service.port, studies)) == N_STUDIES * N_SLICES
    found = wait_for_results(out, N_STUDIES)
    service.stop()
    return found


def trial(studies: list[list[Path]], wanted: dict[str, str], out: Path, chance: random.Random) -> str:
    """Kill once; gives in which part of the work that was."""
    service = Service(out)
    n_before_kill = chance.randrange(0, int(1.5 * N_STUDIES * N_SLICES))
    n_all = N_STUDIES * N_SLICES

    def on_slice(n_acknowledged: int) -> None:
        if n_acknowledged == n_before_kill and service.process.poll() is None:
            os.kill(service.process.pid, signal.SIGKILL)

    acknowledged = send(service.port, studies, on_slice)
    if service.process.poll() is None and n_before_kill >= n_all:
        time.sleep(chance.uniform(0.0, 2.0))  # while studies settle, are run and written
    service.kill()
    check_received(out, acknowledged)
    service = Service(out)
    left = [[path for path in paths if path not in acknowledged] for paths in studies]
    if any(left):  # a sender brings the whole study again
        assert len(send(service.port, studies)) == n_all
    found = wait_for_results(out, N_STUDIES)
    service.stop()
    assert results(out) == found == wanted, (found, wanted)
    assert not list((out / "received").rglob(".*tmp-*"))
    return "while sending" if n_before_kill < n_all else "after sending"


def check_received(out: Path, acknowledged: set[Path]) -> None:
    """Make sure that every acknowledged object is there with its values."""
    from pydicom import dcmread

    kept = {dataset.SOPInstanceUID: dataset for dataset in map(dcmread, (out / "received").rglob("*.dcm"))}
    for path in acknowledged:
        dataset = dcmread(path)
        assert kept[dataset.SOPInstanceUID] == dataset, path


if __name__ == "__main__":
    main()
