"""What this program sends to archives: segmentations, contours and a report of a CT series."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.derived import Measurement, MeasurementGroup, MeasurementReport
from napari_medclf.domain.labels import CodedConcept, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.rtstruct.write import write_rtstruct
from napari_medclf.io.derived.seg.write import write_seg
from napari_medclf.io.derived.sr.write import write_sr
from napari_medclf.io.read import read_image

MODEL = Authorship(Making.AUTOMATIC, "liver-ct", "1.2", "ab" * 32)
LIVER = CodedConcept(value="10200004", scheme="SCT", meaning="Liver")
VOLUME = CodedConcept(value="118565006", scheme="SCT", meaning="Volume")


def write_results(series: Path, folder: Path) -> list[Path]:
    """Write a binary and a label map segmentation, contours, and a TID 1500 report of a series."""
    image = read_image(series)
    labels = np.zeros(image.geometry.shape, np.uint8)
    labels[2:7, 3:9, 4:11] = 1
    segmentation = Segmentation(labels, image.geometry, LabelSchema.from_names(["liver"], first_value=1))
    paths = [folder / f"{name}.dcm" for name in ("seg_binary", "seg_labelmap", "contours", "report")]
    write_seg(segmentation, image, MODEL, paths[0], form="binary")
    write_seg(segmentation, image, MODEL, paths[1], form="labelmap")
    write_rtstruct(segmentation, image, MODEL, paths[2])
    group = MeasurementGroup(finding=LIVER, measurements=(Measurement(VOLUME, 12.5, "mL"),))
    write_sr(MeasurementReport("report", "Imaging Measurement Report", (group,)), image, MODEL, paths[3])
    return paths
