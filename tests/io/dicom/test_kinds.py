import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.header import read_headers
from napari_medclf.io.dicom.kinds import DerivedObject
from napari_medclf.io.dicom.read import scan_files
from napari_medclf.io.read import read_image


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("single_files/emri_small.dcm", "holds 10 frames and does not tell their places .Enhanced MR"),
        ("seg_sr_rt/highdicom/sm_image.dcm", "whole-slide"),
        ("malformed/GH220.dcm", "private kind"),
        ("malformed/derived_truncated_60pct.dcm", "truncated"),
        ("malformed/derived_empty.dcm", "empty"),
        ("malformed/OF_DICOM.dcm", "not DICOM"),
    ],
)
def test_what_is_no_plain_image_is_named(shared_data, file, reason):
    with pytest.raises(ReadError, match=reason):
        read_image(shared_data / "dicom_zoo" / file)


@pytest.mark.parametrize(
    "file",
    [
        "single_files/liver.dcm",
        "single_files/parametric_map_float.dcm",
        "seg_sr_rt/rt_utils_phantom/rt.dcm",
        "seg_sr_rt/dcmqi/sr-example/sr.dcm",
        "seg_sr_rt/dcmqi/segmentations/sparse-labelmap-ppv5.dcm",
    ],
)
def test_what_was_derived_from_images_is_kept_for_its_own_readers(shared_data, file):
    path = shared_data / "dicom_zoo" / file
    scan = scan_files([path])
    assert scan.derived == (path,)
    assert scan.refusals == scan.stacks == ()
    with pytest.raises(DerivedObject, match="not an image"):
        read_headers(path)


def test_several_frames_without_known_places_are_refused(tmp_path, phantom, write_series):
    def stack_frames(dataset, k):
        dataset.NumberOfFrames = 2
        dataset.PixelData = dataset.PixelData * 2

    file = next(write_series(tmp_path / "ct", phantom, stack_frames).iterdir())
    with pytest.raises(ReadError, match="2 frames and does not tell their places"):
        read_image(file)
