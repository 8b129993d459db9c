"""Objects of the kinds that are sent to archives: segmentations and a report of a CT series, made by highdicom."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_results(series: Path, folder: Path) -> list[Path]:
    """Write a binary and a label map segmentation and a TID 1500 report of a series."""
    import highdicom as hd
    from pydicom import dcmread
    from pydicom.sr.codedict import codes

    folder.mkdir(parents=True, exist_ok=True)
    images = sorted((dcmread(path) for path in series.iterdir()), key=lambda one: one.InstanceNumber)
    for image in images:
        for keyword in ("PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime", "AccessionNumber"):
            setattr(image, keyword, getattr(image, keyword, ""))
    mask = np.zeros((len(images), images[0].Rows, images[0].Columns), np.uint8)
    mask[2:7, 3:9, 4:11] = 1
    paths = []
    for kind in ("BINARY", "LABELMAP"):
        segment = hd.seg.SegmentDescription(
            1, "Lung", codes.SCT.Organ, codes.SCT.Lung, hd.seg.SegmentAlgorithmTypeValues.MANUAL
        )
        seg = hd.seg.Segmentation(images, mask, kind, [segment], hd.UID(), 9, hd.UID(), 1, "m", "n", "1", "2")
        paths.append(_save(seg, folder / f"seg_{kind.lower()}.dcm"))
    paths.append(_save(_report(hd, codes, images), folder / "report.dcm"))
    return paths


def _save(dataset, path: Path) -> Path:
    dataset.save_as(path)
    return path


def _report(hd, codes, images):
    observer = hd.sr.PersonObserverIdentifyingAttributes(name="Observer^One")
    context = hd.sr.ObservationContext(hd.sr.ObserverContext(codes.DCM.Person, observer))
    measurement = hd.sr.Measurement(codes.SCT.Volume, 12.5, hd.sr.CodedConcept("mL", "UCUM", "mL"))
    group = hd.sr.MeasurementsAndQualitativeEvaluations(
        hd.sr.TrackingIdentifier(hd.UID(), "lung"), measurements=[measurement]
    )
    content = hd.sr.MeasurementReport(context, codes.LN.CTUnspecifiedBodyRegion, imaging_measurements=[group])
    return hd.sr.Comprehensive3DSR(images, content, hd.UID(), 10, hd.UID(), 1, manufacturer="m")
