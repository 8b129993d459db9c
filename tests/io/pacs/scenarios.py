"""What is done with a running Orthanc; each function returns what the tests then look at, as plain values."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from pathlib import Path

from orthanc import DICOM, GET_WAY, HTTP, MOVE_WAY, WEB

from napari_medclf.domain.events import FinishReason, Progress
from napari_medclf.io.pacs.compare import explain_difference
from napari_medclf.jobs import pacs
from napari_medclf.jobs.drive import drive

WAYS = {"web": WEB, "get": GET_WAY, "move": MOVE_WAY}


def story(folder: Path) -> dict:
    """Send, list, fetch in every way; resume; send again; send by C-STORE."""
    os.environ["MEDCLF_HOME"] = str(folder / "home")
    sent = folder / "sent"
    told = {"echo": {way: done(pacs.echo(pacs.EchoOptions(address))).protocol for way, address in WAYS.items()}}
    told["stow"] = delivered(WEB, sent)
    told["n_after_stow"] = n_objects()
    told["seen_by_dicomweb_client"] = seen_by_dicomweb_client(sent)
    told["stow_again"] = delivered(WEB, sent)
    told["n_after_stow_again"] = n_objects()
    told["find"] = {way: listed(address) for way, address in WAYS.items() if way != "move"}
    told["fetched"] = {way: fetched(address, folder / way, sent) for way, address in WAYS.items()}
    told["resumed"] = {way: resumed(address, folder / way) for way, address in WAYS.items()}
    forget_all()
    told["n_after_delete"] = n_objects()
    told["store"] = delivered(GET_WAY, sent)
    told["fetched_after_store"] = fetched(WEB, folder / "web_after_store", sent)
    told["names"] = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if "orthanc" not in path.parts)
    return told


def failures(folder: Path) -> dict:
    """Everything a person can get wrong, and what they are told."""
    os.environ["MEDCLF_HOME"] = str(folder / "home")
    delivered(WEB, folder / "sent")
    study = done(pacs.find(pacs.FindOptions(WEB))).studies[0].study_uid
    addresses = {
        "wrong called AE title": f"dicom://NOBODY@127.0.0.1:{DICOM}",
        "wrong port": "dicom://ORTHANC@127.0.0.1:4299",
        "HTTP port for DICOM": f"dicom://ORTHANC@127.0.0.1:{HTTP}?timeout=3",
        "wrong web port": "http://127.0.0.1:8099/dicom-web",
        "wrong web path": f"http://127.0.0.1:{HTTP}/dicom",
        "DICOM port for HTTP": f"http://127.0.0.1:{DICOM}/dicom-web?timeout=3",
    }
    told = {name: refused_echo(address) for name, address in addresses.items()}
    told["unknown move destination"] = refused_series(f"{GET_WAY}?move=STRANGER:11113", study, folder / "move")
    told["unknown study"] = refused(pacs.get(pacs.GetOptions(WEB, study="1.2.3", out=folder / "none")))
    (folder / "broken.dcm").write_bytes((folder / "sent" / "seg_binary.dcm").read_bytes()[:-300])
    (folder / "notes.dcm").write_text("no image")
    outcome = drive(pacs.send(pacs.SendOptions(WEB, (folder / "broken.dcm", folder / "notes.dcm"))))
    told["files"] = [reason for _, reason in outcome.result.refused]
    return told


def stop(folder: Path) -> dict:
    """Stop transfers in the middle; how long it took, and what lies there."""
    os.environ["MEDCLF_HOME"] = str(folder / "home")
    delivered(WEB, folder / "sent")
    study = done(pacs.find(pacs.FindOptions(WEB))).studies[0].study_uid
    told = {}
    for way, address in WAYS.items():
        events, started = [], time.monotonic()
        job = pacs.get(pacs.GetOptions(address, study=study, out=folder / way))
        outcome = drive(job, events.append, lambda events=events: any(is_first(one) for one in events))
        told[way] = {
            "reason": outcome.reason.value,
            "seconds": time.monotonic() - started,
            "temporary": [path.name for path in (folder / way).rglob("*.tmp-*")],
            "after": fetched(address, folder / way, folder / "sent"),
        }
    return told


def is_first(event) -> bool:
    return isinstance(event, Progress) and event.done >= 1


def delivered(address: str, sent: Path) -> list[dict]:
    result = done(pacs.send(pacs.SendOptions(address, (sent,), verify=True)))
    return [
        {
            "reason": one.reason,
            "is_listed": one.is_listed,
            "is_same": one.is_same,
            "notes": one.notes,
        }
        for one in result.objects
    ]


def seen_by_dicomweb_client(sent: Path) -> list[bool]:
    """Fetch each object with another client and compare the whole data set with the file that was sent."""
    from dicomweb_client import DICOMwebClient
    from pydicom import dcmread

    client = DICOMwebClient(WEB)
    same = []
    for path in (one for one in sent.rglob("*") if one.is_file()):
        mine = dcmread(path)
        uids = mine.StudyInstanceUID, mine.SeriesInstanceUID, mine.SOPInstanceUID
        same.append(bool(client.retrieve_instance(*uids) == mine))
    return same


def listed(address: str) -> dict:
    def count(**filters) -> int:
        return len(done(pacs.find(pacs.FindOptions(address, **filters))).studies)

    found = done(pacs.find(pacs.FindOptions(address, level="series")))
    only_ct = done(pacs.find(pacs.FindOptions(address, level="series", modality="CT")))
    named = done(pacs.find(pacs.FindOptions(address, show_names=True)))
    return {
        "plain": repr(found),
        "named": repr(named),
        "patient_key": found.studies[0].patient_key,
        "modalities": sorted(one.modality for one in found.series),
        "n_instances": sum(one.n_instances or 0 for one in found.series),
        "by_id": [count(patient_id="mrn-0077"), count(patient_id="mrn-0078")],
        "by_name": [count(patient_name="SEC*"), count(patient_name="OTHER*")],
        "by_modality": [count(modality="CT"), count(modality="US")],
        "by_date": [count(dates="20240105"), count(dates="2024-01-01 - 2024-01-31"), count(dates="20240106-")],
        "by_accession": [count(accession="ACC-17"), count(accession="ACC-18")],
        "ct_only": [one.modality for one in only_ct.series],
    }


def fetched(address: str, folder: Path, sent: Path) -> dict:
    """Fetch all and compare with what was sent."""
    study = done(pacs.find(pacs.FindOptions(address))).studies[0].study_uid
    received = done(pacs.get(pacs.GetOptions(address, study=study, out=folder)))
    from napari_medclf.io.pacs.outgoing import find_outgoing
    from napari_medclf.io.read import read

    originals = {one.row.sop_uid: one.path for one in find_outgoing([sent])[0]}
    copies = {one.row.sop_uid: one.path for one in find_outgoing([folder])[0]}
    report = read([one.folder for one in received.series if one.row.modality == "CT"])
    return {
        "is_whole": all(one.is_whole for one in received.series),
        "n_received": sum(one.n_received for one in received.series),
        "same_objects": originals.keys() == copies.keys(),
        "differences": [explain_difference(originals[uid], copies[uid]) for uid in originals if uid in copies],
        "shapes": [list(image.data.shape) for image in report.images],
    }


def resumed(address: str, folder: Path) -> dict:
    """Lose one file and spoil another, then fetch again."""
    files = sorted(folder.rglob("*.dcm"))
    before = {path.name: path.read_bytes() for path in files}
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:-10] + b"0123456789")
    study = done(pacs.find(pacs.FindOptions(address))).studies[0].study_uid
    received = done(pacs.get(pacs.GetOptions(address, study=study, out=folder)))
    return {
        "n_received": sum(one.n_received for one in received.series),
        "n_kept": sum(one.n_kept for one in received.series),
        "same": before == {path.name: path.read_bytes() for path in folder.rglob("*.dcm")},
    }


def refused(job) -> dict:
    started = time.monotonic()
    outcome = drive(job)
    return {"reason": outcome.reason.value, "message": outcome.message, "seconds": time.monotonic() - started}


def refused_echo(address: str) -> dict:
    """Ask again where the server was too busy to answer at all, as it is now and then beside other tests."""
    for _ in range(3):
        told = refused(pacs.echo(pacs.EchoOptions(address)))
        if "NOBODY" not in address or "gave no answer" not in told["message"]:
            break
    return told


def refused_series(address: str, study: str, folder: Path) -> dict:
    outcome = drive(pacs.get(pacs.GetOptions(address, study=study, out=folder)))
    return {"reason": outcome.reason.value, "message": outcome.failures[0].reason, "seconds": outcome.elapsed_s}


def done(job):
    outcome = drive(job)
    assert outcome.reason is FinishReason.COMPLETED, outcome.message
    return outcome.result


def n_objects() -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/statistics", timeout=5) as answer:
        return json.load(answer)["CountInstances"]


def forget_all() -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{HTTP}/patients", timeout=5) as answer:
        patients = json.load(answer)
    for patient in patients:
        request = urllib.request.Request(f"http://127.0.0.1:{HTTP}/patients/{patient}", method="DELETE")
        urllib.request.urlopen(request, timeout=5).close()
