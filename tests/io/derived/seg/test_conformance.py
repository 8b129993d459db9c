"""What is written conforms to the standard, and other programs read the same voxels at the same places from it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.image import ChannelKind
from napari_medclf.domain.labels import LabelClass, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.seg.write import write_seg
from napari_medclf.io.read import read, read_image
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import all_coded_series

SERIES = {one.name: one for one in all_coded_series()}
CODED = ("axial", "prone", "sagittal", "coronal", "oblique", "tilt", "single slice", "4D by temporal position")
ENHANCED = ("enhanced", "enhanced shuffled", "enhanced tilt", "enhanced two stacks")
# dcmqi writes no image for slices that are not stacked along their normal.
UPRIGHT = ("axial", "prone", "sagittal", "coronal", "oblique", "enhanced shuffled")
FORMS = ("binary", "labelmap")
MODEL = Authorship(Making.AUTOMATIC, "liver-ct", "1.2", "ab" * 32, (("threshold", "0.5"),), author="Leserin 1")
SCHEMA = LabelSchema(
    classes=(
        LabelClass(value=1, name="left kidney", colour="#E69F00"),
        LabelClass(value=2, name="Läsion", colour="#56B4E9"),
    )
)
REAL = {
    "axial CT": "seg_sr_rt/dcmqi/segmentations/ct-3slice",
    "tilted and uneven CT": "series/ct_head_ge_tilt18_uneven",
    "CT without sides": "seg_sr_rt/highdicom/ct_image.dcm",
    "MR": "series/mr_multiseries_study3",
    "enhanced MR": "series/mr_enhanced_siemens_xa10",
    "DX": "seg_sr_rt/highdicom/dx_image.dcm",
    "CR": "single_files/RG3_J2KI.dcm",
    "other MR and CT": "series/dicom2nifti_other",
    "CT with gaps": "series/dicom2nifti_failing",
    "oblique CT": "seg_sr_rt/rt_utils_oblique",
    "sagittal and more": "series/ct_philips_phantom_S21570",
}


def lop_sided(image):
    labels = np.zeros(image.geometry.shape, np.uint8)
    n, rows, columns = labels.shape
    labels[: n // 2 + 1, : rows // 2, : columns // 3] = 1
    labels[n - 1, rows - 2 :, 1:] = 2
    return Segmentation(labels, image.geometry, SCHEMA)


def images_of(path):
    """Read what can be read, and what is refused for its gaps with the gaps filled."""
    report = read([path])
    yield from report.images
    for way in (way for refusal in report.refusals for way in refusal.ways):
        yield read_image(way.path, way.member)


def write_all(path, folder, form):
    """Write a segmentation of every image of a file or folder that one can be written for."""
    for number, image in enumerate(images_of(path)):
        if image.channel_kind is not ChannelKind.TIME or image.geometry.shape[0] > 1:
            meant, target = lop_sided(image), folder / f"{number}.dcm"
            write_seg(meant, image, MODEL, target, form=form)
            yield meant, target


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", [*CODED, *ENHANCED])
def test_dciodvfy_finds_no_error(name, form, tmp_path, assert_conforms):
    written = list(write_all(write_coded(SERIES[name], tmp_path / "series"), tmp_path, form))
    assert written
    for _, path in written:
        assert_conforms(path)


@pytest.mark.parametrize("name", REAL)
def test_dciodvfy_finds_no_error_for_real_images(name, shared_data, tmp_path, assert_conforms):
    written = [one for form in FORMS for one in write_all(shared_data / "dicom_zoo" / REAL[name], tmp_path, form)]
    assert written
    for _, path in written:
        assert_conforms(path)


@pytest.fixture(scope="session")
def dcmqi():
    tool = Path(sys.executable).parent / "segimage2itkimage"
    if not tool.exists():
        pytest.skip("segimage2itkimage is not installed (package dcmqi)")

    def convert(path, folder):
        folder.mkdir()
        arguments = ["--inputDICOM", path, "--outputDirectory", folder, "--prefix", "q", "-t", "nrrd"]
        subprocess.run([tool, *arguments], check=True, capture_output=True)
        return sorted(folder.glob("*.nrrd"))

    return convert


def places(image_path, SimpleITK):
    """LPS millimetres of what a third library finds marked in dcmqi's output, by stored value."""
    image = SimpleITK.ReadImage(str(image_path))
    samples = SimpleITK.GetArrayFromImage(image)
    affine = np.reshape(image.GetDirection(), (3, 3)) @ np.diag(image.GetSpacing())
    found = {}
    for value in np.unique(samples[samples > 0]).tolist():
        k, j, i = np.nonzero(samples == value)
        found[value] = np.stack([i, j, k], axis=1) @ affine.T + image.GetOrigin()
    return found


def in_order(points):
    return points[np.lexsort(np.rint(points * 100).T)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", UPRIGHT)
def test_dcmqi_and_simpleitk_find_the_same_voxels(name, form, tmp_path, dcmqi):
    SimpleITK = pytest.importorskip("SimpleITK")
    ((meant, path),) = write_all(write_coded(SERIES[name], tmp_path / "series"), tmp_path, form)
    found = {}
    for output in dcmqi(path, tmp_path / "q"):
        found.update(places(output, SimpleITK))
    assert sorted(found) == [1, 2]
    for value, points in found.items():
        truth = meant.geometry.to_world(np.argwhere(meant.labels == value))
        np.testing.assert_allclose(in_order(points), in_order(truth), atol=1e-3)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", UPRIGHT)
def test_highdicom_finds_the_same_volume(name, form, tmp_path):
    highdicom = pytest.importorskip("highdicom")
    ((meant, path),) = write_all(write_coded(SERIES[name], tmp_path / "series"), tmp_path, form)
    volume = highdicom.seg.segread(path).get_volume(combine_segments=True)
    for value in (1, 2):
        found = volume.map_indices_to_reference(np.argwhere(volume.array == value))
        truth = meant.geometry.to_world(np.argwhere(meant.labels == value))
        np.testing.assert_allclose(in_order(found), in_order(truth), atol=1e-3)


def test_dcmqi_finds_the_same_names_codes_and_colours(tmp_path, dcmqi):
    ((_, path),) = write_all(write_coded(SERIES["oblique"], tmp_path / "series"), tmp_path, "binary")
    dcmqi(path, tmp_path / "q")
    told = json.loads((tmp_path / "q" / "q-meta.json").read_text(encoding="utf-8"))
    kidney, lesion = (segment for group in told["segmentAttributes"] for segment in group)
    assert (kidney["SegmentLabel"], lesion["SegmentLabel"]) == ("left kidney", "Läsion")
    assert kidney["SegmentedPropertyTypeCodeSequence"]["CodeValue"] == "64033007"
    assert kidney["SegmentedPropertyTypeModifierCodeSequence"]["CodeMeaning"] == "Left"
    assert kidney["recommendedDisplayRGBValue"] == [0xE6, 0x9F, 0x00]
    assert lesion["recommendedDisplayRGBValue"] == [0x56, 0xB4, 0xE9]


def test_colours_are_those_that_highdicom_computes():
    from highdicom.color import CIELabColor

    from napari_medclf.io.derived.seg.colour import hex_from_lab, lab_from_hex

    rng = np.random.default_rng(4)
    for red, green, blue in [(0, 0, 0), (255, 255, 255), (255, 0, 0), *rng.integers(0, 256, (60, 3)).tolist()]:
        colour = f"#{red:02X}{green:02X}{blue:02X}"
        assert hex_from_lab(lab_from_hex(colour)) == colour
        back = CIELabColor.from_dicom_value(lab_from_hex(colour)).to_rgb(clip=True)
        assert max(abs(a - b) for a, b in zip(back, (red, green, blue), strict=True)) <= 1
