"""Structure sets from elsewhere: what is filled, what is only kept, and what is said about it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from skimage.draw import polygon2mask

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import Source
from napari_medclf.io.derived.rtstruct.read import read_rtstruct
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.read import read
from napari_medclf.testing.phantoms import oblique_phantom

FRAME_UID = "1.2.826.0.1.3680043.8.498.2"
SERIES_UID = "1.2.826.0.1.3680043.8.498.1"
UIDS = tuple(f"{SERIES_UID}.{k + 1}" for k in range(12))
TRIANGLE = np.array([[2.2, 3.1], [15.4, 4.8], [7.3, 24.6]])


def _sheared() -> Geometry:
    affine = oblique_phantom().geometry.affine.copy()
    affine[:3, 0] += 0.3 * affine[:3, 1]
    return Geometry(affine, (12, 20, 28), FRAME_UID)


GRIDS = {
    "oblique": Geometry(oblique_phantom().geometry.affine, (12, 20, 28), FRAME_UID),
    "tilted": _sheared(),
    "axial": Geometry(Geometry.from_spacing((12, 20, 28), (3.5, 0.75, 0.5)).affine, (12, 20, 28), FRAME_UID),
}


def _grid(geometry=GRIDS["oblique"]) -> SourceGrid:
    source = Source(Path(), series_uid=SERIES_UID, sop_instance_uids=UIDS, digest="d1")
    return SourceGrid(geometry, source, "phantom", "CT")


def _contour(points_kji, geometry=GRIDS["oblique"], kind="CLOSED_PLANAR", uid="") -> Dataset:
    item = Dataset()
    item.ContourGeometricType = kind
    points = geometry.to_world(np.asarray(points_kji, dtype=float))
    item.NumberOfContourPoints = len(points)
    item.ContourData = [f"{x:.6f}" for x in points.ravel()]
    if uid:
        image = Dataset()
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", uid
        item.ContourImageSequence = [image]
    return item


def _on_slice(k, polygon=TRIANGLE):
    return np.column_stack([np.full(len(polygon), k), polygon])


def _structure_set(path: Path, regions: dict[int, list[Dataset]], names=None, series_uid=SERIES_UID) -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.3.4"
    dataset = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.3.4"
    dataset.Modality, dataset.SeriesInstanceUID, dataset.StudyInstanceUID = "RTSTRUCT", "1.2.3.5", "1.2.3.6"
    dataset.PatientName, dataset.PatientID = "SECRET^JANE", "mrn-0077"
    frame = Dataset()
    frame.FrameOfReferenceUID = FRAME_UID
    if series_uid:
        study, series = Dataset(), Dataset()
        series.SeriesInstanceUID = series_uid
        study.RTReferencedSeriesSequence = [series]
        frame.RTReferencedStudySequence = [study]
    dataset.ReferencedFrameOfReferenceSequence = [frame]
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for number, contours in regions.items():
        declared, drawn = Dataset(), Dataset()
        declared.ROINumber, declared.ROIName = number, (names or {}).get(number, f"organ {number}")
        drawn.ReferencedROINumber, drawn.ROIDisplayColor = number, [255, 128, number % 256]
        drawn.ContourSequence = contours
        dataset.StructureSetROISequence.append(declared)
        dataset.ROIContourSequence.append(drawn)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("geometry", GRIDS.values(), ids=GRIDS)
def test_a_contour_fills_the_voxels_whose_centres_it_holds(tmp_path, geometry):
    path = _structure_set(tmp_path / "rs.dcm", {7: [_contour(_on_slice(3), geometry)]})
    found = read_rtstruct(path, [_grid(geometry)])
    (segmentation,) = found.segmentations
    expected = np.zeros(geometry.shape, dtype=int)
    expected[3][polygon2mask((20, 28), TRIANGLE)] = 7
    assert np.array_equal(segmentation.labels, expected)
    assert segmentation.geometry is geometry
    assert segmentation.schema.valued(7).name == "organ 7"
    assert segmentation.schema.valued(7).colour == "#FF8007"
    assert segmentation.source_digest == "d1"
    assert found.is_on_source_grid
    assert found.warnings == ()
    assert np.allclose(found.regions[0].contours[0].points, geometry.to_world(_on_slice(3)), atol=1e-6)


def test_an_inner_contour_is_a_hole_also_when_it_comes_first(tmp_path):
    inner = [[5.5, 6.5], [5.5, 9.5], [8.5, 9.5], [8.5, 6.5]]
    outer = [[3.5, 3.5], [3.5, 14.5], [12.5, 14.5], [12.5, 3.5]]
    path = _structure_set(tmp_path / "rs.dcm", {1: [_contour(_on_slice(2, np.array(one))) for one in (inner, outer)]})
    (segmentation,) = read_rtstruct(path, [_grid()]).segmentations
    assert segmentation.count("organ 1") == 9 * 11 - 3 * 3


def test_regions_that_overlap_come_in_several_segmentations_and_others_together(tmp_path):
    contours = {n: [_contour(_on_slice(k))] for n, k in ((1, 2), (2, 2), (3, 5))}
    found = read_rtstruct(_structure_set(tmp_path / "rs.dcm", contours), [_grid()])
    first, second = found.segmentations
    assert first.schema.values == (1, 3)
    assert second.schema.values == (2,)
    assert (first.name, second.name) == ("rs", "rs 2")
    assert first.count("organ 1") == second.count("organ 2") == first.count("organ 3") > 0


def test_points_and_open_lines_are_kept_and_not_filled(tmp_path):
    line = _contour(_on_slice(2), kind="OPEN_PLANAR")
    point = _contour([[2, 5, 6]], kind="POINT")
    found = read_rtstruct(_structure_set(tmp_path / "rs.dcm", {4: [line, point]}), [_grid()])
    assert [one.is_closed for one in found.regions[0].contours] == [False, False]
    assert not found.segmentations[0].labels.any()
    assert any("no closed contours in region 4" in text for text in found.warnings)


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (_on_slice(2.5), r"Region 4: 1 of its contours lie between slices \(up to 1.75 mm off the nearest\)"),
        (_on_slice(13), r"Region 4: 1 of its contours lie outside the images \(up to 7 mm beyond the last slice\)"),
        (_on_slice(-2), r"Region 4: 1 of its contours lie outside the images \(up to 7 mm beyond the last slice\)"),
        ([[2, 3, 3], [2, 9, 3], [5, 9, 9]], r"Region 4: 1 of its contours lie not flat on a slice \(up to 10.5 mm"),
    ],
    ids=["between", "above", "below", "slanted"],
)
def test_what_lies_on_no_slice_is_named_in_mm_and_not_filled(tmp_path, points, sentence):
    found = read_rtstruct(_structure_set(tmp_path / "rs.dcm", {4: [_contour(points)]}), [_grid()])
    assert not found.segmentations[0].labels.any()
    (warning,) = found.warnings
    assert re.match(sentence, warning)


def test_a_contour_a_little_off_its_slice_is_filled_with_a_word(tmp_path):
    silent = read_rtstruct(_structure_set(tmp_path / "a.dcm", {4: [_contour(_on_slice(2.009))]}), [_grid()])
    told = read_rtstruct(_structure_set(tmp_path / "b.dcm", {4: [_contour(_on_slice(2.03))]}), [_grid()])
    assert silent.warnings == ()
    assert told.warnings == ("Region 4: contours lie up to 0.105 mm off the slices they were put on.",)
    assert np.array_equal(silent.segmentations[0].labels > 0, told.segmentations[0].labels > 0)


def test_a_contour_that_names_another_slice_than_it_lies_on_is_told(tmp_path):
    path = _structure_set(tmp_path / "rs.dcm", {4: [_contour(_on_slice(2), uid=UIDS[5])]})
    found = read_rtstruct(path, [_grid()])
    assert found.segmentations[0].labels[2].any()
    assert found.warnings == (
        "Region 4: 1 contours lie up to 10.5 mm off the slice they name; their coordinates were taken.",
    )


def test_without_its_images_the_contours_stay(tmp_path):
    found = read_rtstruct(_structure_set(tmp_path / "rs.dcm", {4: [_contour(_on_slice(2))]}))
    assert found.segmentations == ()
    assert not found.is_on_source_grid
    assert len(found.regions[0].contours) == 1
    assert "images it was drawn on are not here" in found.warnings[0]


def test_of_two_stacks_of_the_same_instances_the_one_that_holds_the_contours_is_taken(tmp_path):
    here = _grid()
    elsewhere = _grid(GRIDS["oblique"].cropped((20, 0, 0), (12, 20, 28)))
    path = _structure_set(tmp_path / "rs.dcm", {4: [_contour(_on_slice(2), uid=UIDS[2])]})
    for grids in ([here, elsewhere], [elsewhere, here]):
        found = read_rtstruct(path, grids)
        assert found.segmentations[0].geometry is here.geometry
        assert found.segmentations[0].count("organ 4") > 0
        assert found.warnings == ()


def test_two_regions_of_one_number_or_name_are_told_apart(tmp_path):
    path = _structure_set(
        tmp_path / "rs.dcm", {0: [], 70000: [_contour(_on_slice(2))], 1: []}, {0: "liver", 70000: "liver", 1: " "}
    )
    (segmentation,) = read_rtstruct(path, [_grid()]).segmentations
    assert segmentation.schema.names == ("liver", "liver (3)", "ROI 1")
    assert segmentation.schema.values == (2, 3, 1)
    assert (segmentation.labels == 3).any()


@pytest.mark.parametrize("data", [["1", "2"], ["nan", "1", "2"], ["1e9", "1", "2"], ["a", "1", "2"], []])
def test_a_damaged_contour_is_left_out_with_its_regions_number(tmp_path, data):
    broken = _contour(_on_slice(2))
    broken.NumberOfContourPoints = 1
    broken["ContourData"]._value = data
    path = _structure_set(tmp_path / "rs.dcm", {4: [broken, _contour(_on_slice(3))]})
    found = read_rtstruct(path, [_grid()])
    assert len(found.regions[0].contours) == 1
    assert found.warnings[0].startswith("Region 4 has damaged contours (1, the first without whole, finite points)")


def test_a_wrong_count_of_points_is_told(tmp_path):
    contour = _contour(_on_slice(2))
    contour.NumberOfContourPoints = 1_000_000
    found = read_rtstruct(_structure_set(tmp_path / "rs.dcm", {4: [contour]}), [_grid()])
    assert found.warnings == ("Region 4 has contours (1) that hold another number of points than they declare.",)


def test_more_points_than_anybody_draws_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_medclf.io.derived.rtstruct.parse.MOST_POINTS", 5)
    path = _structure_set(tmp_path / "rs.dcm", {4: [_contour(_on_slice(2)), _contour(_on_slice(3))]})
    with pytest.raises(ReadError, match=r"rs\.dcm: holds more than 5 contour points"):
        read_rtstruct(path, [_grid()])


def test_outlines_that_would_take_for_ever_to_fill_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_medclf.io.derived.rtstruct.contour_raster.MOST_CROSSINGS", 5)
    path = _structure_set(tmp_path / "rs.dcm", {4: [_contour(_on_slice(2))]})
    with pytest.raises(ReadError, match=r"rs\.dcm: contours of one slice cross its rows more than 5 times"):
        read_rtstruct(path, [_grid()])


def test_regions_that_would_take_for_ever_are_kept_as_contours_and_told_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_medclf.io.derived.rtstruct.layers.MOST_WORK", 1000)
    path = _structure_set(tmp_path / "rs.dcm", {n: [_contour(_on_slice(2))] for n in range(1, 31)})
    found = read_rtstruct(path, [_grid()])
    assert len(found.regions) == 30
    assert found.segmentations[0].count("organ 1") > 0
    (warning,) = found.warnings
    assert re.match(r"Regions 2, 3, 4, 5, 6, 7, 8, 9 and 21 more: too many overlaps, or too large an area", warning)


def test_a_damaged_file_does_not_fill_the_screen(tmp_path):
    path = _structure_set(tmp_path / "rs.dcm", {n: [_contour(_on_slice(2.5))] for n in range(1, 31)})
    found = read_rtstruct(path, [_grid()])
    assert len(found.warnings) == 21
    assert found.warnings[-1] == "10 more things are odd with it."


def test_no_regions_are_a_refusal(tmp_path):
    with pytest.raises(ReadError, match="without regions"):
        read_rtstruct(_structure_set(tmp_path / "rs.dcm", {}))


def test_no_sentence_holds_the_patients_name_or_a_regions(tmp_path):
    contours = {4: [_contour(_on_slice(2.5)), _contour(_on_slice(40))], 5: [_contour(_on_slice(2), kind="SECRET")]}
    found = read_rtstruct(_structure_set(tmp_path / "rs.dcm", contours, {4: "SECRET^JANE", 5: "JANE"}), [_grid()])
    assert len(found.warnings) >= 3
    shown = (*found.warnings, found.name, found.source.description)
    assert not any("SECRET" in text or "JANE" in text for text in shown)


REAL = {
    "rt.dcm": ((1443,), "frame of reference is not that of the images"),
    "invalid_reference_rt.dcm": ((4976, 3697, 4519, 6954), "names 5 slices, 3 of which are not here"),
    "non_existent_reference_rt.dcm": ((4976, 3697, 4519, 6954), "does not name the series it was drawn on"),
}


@pytest.mark.parametrize("name", REAL)
def test_real_structure_sets_lie_on_their_ct(shared_data, name):
    folder = shared_data / "dicom_zoo" / "seg_sr_rt" / "rt_utils_phantom"
    (image,) = read([folder / "ct_1.dcm", folder / "ct_2.dcm"]).images
    found = read_rtstruct(folder / name, [SourceGrid.of_image(image)])
    (segmentation,) = found.segmentations
    n_voxels, sentence = REAL[name]
    assert tuple(int((segmentation.labels == n).sum()) for n in segmentation.schema.values) == n_voxels
    assert any(sentence in text for text in found.warnings)
    for region in found.regions:
        assert _agrees_with_scikit_image(region, segmentation)


def _agrees_with_scikit_image(region, segmentation):
    expected = np.zeros(segmentation.labels.shape, dtype=bool)
    for contour in region.contours:
        index = segmentation.geometry.to_index(contour.points)
        k = round(index[0, 0])
        if 0 <= k < len(expected):
            expected[k] ^= polygon2mask(expected.shape[1:], index[:, 1:])
    return np.array_equal(expected, segmentation.labels == region.number)
