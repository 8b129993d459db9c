"""Real series get results that conform and lie where they should."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.derived import Measurement, MeasurementGroup, MeasurementReport
from napari_medclf.domain.labels import CodedConcept, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.capture import write_capture
from napari_medclf.io.derived.rtstruct.read import read_rtstruct
from napari_medclf.io.derived.rtstruct.write import write_rtstruct
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.derived.sr.read import read_sr
from napari_medclf.io.derived.sr.write import write_sr
from napari_medclf.io.read import read

MODEL = Authorship(Making.AUTOMATIC, "liver-ct", "1.2", "ab" * 32)
GROUP = MeasurementGroup(
    measurements=(Measurement(CodedConcept(value="NORMAL", scheme="99MEDCLF", meaning="normal"), 0.75, "1"),)
)
SERIES = (
    "seg_sr_rt/rt_utils_oblique",
    "seg_sr_rt/dcmqi/segmentations/ct-3slice",
    "single_files/eCT_Supplemental.dcm",
    "series/ct_philips_phantom_S21570",
    "series/mr_enhanced_siemens_xa10",
)


@pytest.mark.parametrize("name", SERIES)
def test_contours_report_and_picture(name, shared_data, tmp_path, assert_conforms):
    image = read([shared_data / "dicom_zoo" / name]).images[0]
    noise = gaussian_filter(np.random.default_rng(1).standard_normal(image.geometry.shape), (0, 2, 2))
    schema = LabelSchema.from_names(["spots"], first_value=1)
    segmentation = Segmentation((noise > 0.05).astype(np.uint8), image.geometry, schema)
    contours, report, picture = (tmp_path / f"{kind}.dcm" for kind in ("contours", "report", "picture"))
    write_rtstruct(segmentation, image, MODEL, contours)
    write_sr(MeasurementReport("", "", (GROUP,)), image, MODEL, report)
    write_capture(np.zeros((20, 30, 3), np.uint8), image, picture, k=0)
    found = read_rtstruct(contours, [SourceGrid.of_image(image)])
    assert np.array_equal(found.segmentations[0].labels, segmentation.labels)
    assert read_sr(report).groups[0].measurements == GROUP.measurements
    for path in (contours, report, picture):
        assert_conforms(path)
