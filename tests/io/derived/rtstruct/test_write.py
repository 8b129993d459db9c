"""Contours that were written give the same voxels on the same slices, or are not saved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from scipy.ndimage import gaussian_filter
from skimage.draw import polygon2mask

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.labels import CodedConcept, LabelClass, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.rtstruct import write as rtstruct_write
from napari_medclf.io.derived.rtstruct.read import read_rtstruct
from napari_medclf.io.derived.rtstruct.write import write_rtstruct
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.read import read

MODEL = Authorship(Making.SEMIAUTOMATIC, "liver-ct", "1.2", "ab" * 32, author="reader 1")
LIVER = CodedConcept(value="10200004", scheme="SCT", meaning="Liver")
SCHEMA = LabelSchema(
    classes=(
        LabelClass(value=3, name="Leber, größer", colour="#E69F00", code=LIVER),
        LabelClass(value=7, name="tumour", colour="#56b4e9"),
        LabelClass(value=9, name="not there", colour="#009E73"),
    )
)


def _turned(geometry, order, flips):
    return geometry.permuted(order, flips)


def _tilted(geometry):
    affine = geometry.affine.copy()
    affine[:3, 0] += 1.2 * geometry.directions[:, 1]
    return replace(geometry, affine=affine)


AXIAL = Geometry.from_spacing((12, 20, 28), (3.5, 0.75, 0.5), origin=(-31.5, 12.25, 104.0))
PLACES = {
    "axial": AXIAL,
    "prone": _turned(AXIAL, (0, 1, 2), (False, True, True)),
    "tilted": _tilted(AXIAL),
    "sagittal": Geometry(AXIAL.affine[:, [2, 0, 1, 3]], (12, 20, 28)),
    "coronal": Geometry(AXIAL.affine[:, [1, 0, 2, 3]], (12, 20, 28)),
}


def _open(folder, phantom, write_series, geometry=None, edit=None):
    image = phantom if geometry is None else replace(phantom, geometry=geometry)
    report = read([write_series(folder, image, edit)])
    assert report.refusals == ()
    return report.images[0]


def _blobs(shape, seed=1):
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), (0, 0.9, 0.9))
    return np.where(noise > 0.6, 7, np.where(noise > 0.15, 3, 0)).astype(np.uint8)


@pytest.fixture
def image(tmp_path, phantom, write_series):
    return _open(tmp_path / "series", phantom, write_series)


@pytest.mark.parametrize("place", [None, *PLACES])
def test_the_same_voxels_come_back_whatever_way_the_slices_lie(place, tmp_path, phantom, write_series):
    image = _open(tmp_path / "series", phantom, write_series, PLACES.get(place))
    labels = _blobs(image.geometry.shape)
    write_rtstruct(Segmentation(labels, image.geometry, SCHEMA), image, MODEL, tmp_path / "rs.dcm")
    found = read_rtstruct(tmp_path / "rs.dcm", [SourceGrid.of_image(image)])
    (segmentation,) = found.segmentations
    assert np.array_equal(segmentation.labels, labels)
    assert found.is_on_source_grid
    assert all("no closed contours in region 9" in text for text in found.warnings)


@pytest.mark.parametrize("seed", range(5))
def test_scikit_image_fills_the_contours_to_the_same_voxels(seed, tmp_path, image):
    labels = _blobs(image.geometry.shape, seed)
    write_rtstruct(Segmentation(labels, image.geometry, SCHEMA), image, MODEL, tmp_path / "rs.dcm")
    headers = {one.SOPInstanceUID: one for one in map(pydicom.dcmread, image.source.files)}
    for item in pydicom.dcmread(tmp_path / "rs.dcm").ROIContourSequence:
        found = np.zeros(labels.shape, dtype=bool)
        for contour in item.get("ContourSequence", []):
            uid = contour.ContourImageSequence[0].ReferencedSOPInstanceUID
            k = image.source.sop_instance_uids.index(uid)
            found[k] |= polygon2mask(labels.shape[1:], _pixels(contour, headers[uid]))
        assert np.array_equal(found, labels == item.ReferencedROINumber)


def _pixels(contour, header):
    """PS3.3 C.7.6.2.1.1 the other way round."""
    points = np.reshape([float(x) for x in contour.ContourData], (-1, 3)) - np.array(header.ImagePositionPatient, float)
    row, column = np.reshape(np.array(header.ImageOrientationPatient, float), (2, 3))
    assert np.abs(points @ np.cross(row, column)).max() < 1e-4
    return np.column_stack([points @ column / header.PixelSpacing[0], points @ row / header.PixelSpacing[1]])


def test_what_is_said_about_the_labels_is_true(tmp_path, image, assert_conforms):
    labels = _blobs(image.geometry.shape)
    uid = write_rtstruct(Segmentation(labels, image.geometry, SCHEMA), image, MODEL, tmp_path / "rs.dcm")
    dataset = pydicom.dcmread(tmp_path / "rs.dcm")
    assert dataset.SOPInstanceUID == uid
    assert dataset.ApprovalStatus == "UNAPPROVED"
    assert "Research use only" in dataset.SeriesDescription
    assert dataset.PatientName == "SECRET^JANE"
    assert {one.ROIGenerationAlgorithm for one in dataset.StructureSetROISequence} == {"SEMIAUTOMATIC"}
    assert dataset.StructureSetROISequence[0].ROIName == "Leber, größer"
    assert dataset.StructureSetROISequence[0].ROIGenerationDescription == "liver-ct 1.2, weights abababababab"
    assert dataset.RTROIObservationsSequence[0].RTROIIdentificationCodeSequence[0].CodeValue == "10200004"
    found = read_rtstruct(tmp_path / "rs.dcm", [SourceGrid.of_image(image)])
    assert [(one.value, one.name, one.code) for one in found.segmentations[0].schema.classes] == [
        (3, "Leber, größer", LIVER),
        (7, "tumour", None),
        (9, "not there", None),
    ]
    assert_conforms(tmp_path / "rs.dcm")


def test_objects_become_regions_with_their_numbers(tmp_path, image, assert_conforms):
    labels = np.zeros(image.geometry.shape, dtype=np.int32)
    labels[2, 3:6, 4:8], labels[2, 10:12, 4:9], labels[11, 0, 0] = 5, 2, 40
    schema = LabelSchema.from_names(["nodule"], first_value=1)
    segmentation = Segmentation(labels, image.geometry, schema, is_instances=True)
    write_rtstruct(segmentation, image, Authorship(Making.MANUAL), tmp_path / "rs.dcm")
    (found,) = read_rtstruct(tmp_path / "rs.dcm", [SourceGrid.of_image(image)]).segmentations
    assert np.array_equal(found.labels, labels)
    assert found.schema.names == ("nodule 2", "nodule 5", "nodule 40")
    assert_conforms(tmp_path / "rs.dcm")


def test_each_contour_names_the_slice_it_lies_on(tmp_path, image):
    labels = np.zeros(image.geometry.shape, dtype=np.uint8)
    labels[4, 3, 5] = labels[9, 3, 5] = 3
    write_rtstruct(Segmentation(labels, image.geometry, SCHEMA), image, MODEL, tmp_path / "rs.dcm")
    contours = pydicom.dcmread(tmp_path / "rs.dcm").ROIContourSequence[0].ContourSequence
    named = [one.ContourImageSequence[0].ReferencedSOPInstanceUID for one in contours]
    assert named == [image.source.sop_instance_uids[4], image.source.sop_instance_uids[9]]


def _first_contour(dataset):
    return dataset.ROIContourSequence[0].ContourSequence[0]


def _move(step_of):
    def edit(dataset, image):
        for item in dataset.ROIContourSequence:
            for contour in item.get("ContourSequence", []):
                points = np.reshape([float(x) for x in contour.ContourData], (-1, 3))
                contour.ContourData = [f"{x:.6f}" for x in step_of(points, image).ravel()]

    return edit


def _flip(axis):
    def move(points, image):
        index = image.geometry.to_index(points)
        index[:, axis] = image.geometry.shape[axis] - 1 - index[:, axis]
        return image.geometry.to_world(index)

    return _move(move)


def _shift(index_step):
    return _move(lambda points, image: image.geometry.to_world(image.geometry.to_index(points) + index_step))


def _set(path, keyword, value):
    def edit(dataset, image):
        item = path(dataset)
        setattr(item, keyword, value)

    return edit


def _drop_slice(dataset, image):
    uid = image.source.sop_instance_uids[4]
    for item in dataset.ROIContourSequence:
        kept = [c for c in item.get("ContourSequence", []) if c.ContourImageSequence[0].ReferencedSOPInstanceUID != uid]
        item.ContourSequence = kept


def _name_next_slice(dataset, image):
    reference = _first_contour(dataset).ContourImageSequence[0]
    uids = image.source.sop_instance_uids
    reference.ReferencedSOPInstanceUID = uids[uids.index(reference.ReferencedSOPInstanceUID) + 1]


FAULTS = {
    "rows flipped": (_flip(1), "lies .* mm off its place|other voxels on slice"),
    "columns flipped": (_flip(2), "lies .* mm off its place|other voxels on slice"),
    "slices reversed": (_flip(0), "mm off its place on slice 1"),
    "half a pixel down": (_shift((0, 0.5, 0)), "other voxels on slice 1"),
    "a tenth of a pixel": (_shift((0, 0, 0.1)), "other voxels on slice 1"),
    "a pixel across": (_shift((0, 0, 1)), "other voxels on slice 1"),
    "half a slice up": (_shift((0.5, 0, 0)), "1.75 mm off its place on slice 1"),
    "x and y swapped": (_move(lambda p, _: p[:, [1, 0, 2]]), "mm off its place on slice 1"),
    "LPS taken for RAS": (_move(lambda p, _: p * (-1, -1, 1)), "mm off its place on slice 1"),
    "a slice dropped": (_drop_slice, "other voxels on slice 5"),
    "another slice named": (_name_next_slice, "3.5 mm off its place on slice 2"),
    "a region's name": (_set(lambda d: d.StructureSetROISequence[1], "ROIName", "tumor"), "region 7 .* another number"),
    "a region's colour": (_set(lambda d: d.ROIContourSequence[0], "ROIDisplayColor", [1, 2, 3]), "region 3 .* colour"),
    "the maker": (
        _set(lambda d: d.StructureSetROISequence[0], "ROIGenerationAlgorithm", "MANUAL"),
        "region 3 .* maker",
    ),
    "the patient": (_set(lambda d: d, "PatientID", "other"), "PatientID came back changed"),
    "the study": (_set(lambda d: d, "StudyInstanceUID", "1.2.3"), "StudyInstanceUID came back changed"),
    "the frame of reference": (_set(lambda d: d, "FrameOfReferenceUID", "1.2.3"), "FrameOfReferenceUID came back"),
    "a region's frame of reference": (
        _set(lambda d: d.StructureSetROISequence[1], "ReferencedFrameOfReferenceUID", "1.2.3"),
        "frame of reference it names",
    ),
    "the frame of reference of all": (
        _set(lambda d: d.ReferencedFrameOfReferenceSequence[0], "FrameOfReferenceUID", "1.2.3"),
        "frame of reference it names",
    ),
    "a region dropped": (lambda d, _: d.StructureSetROISequence.pop(), "2 regions came back"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_what_was_written_stops_the_save(fault, tmp_path, image, monkeypatch):
    edit, sentence = FAULTS[fault]
    save = rtstruct_write.save_checked

    def spoil(dataset, path, check):
        edit(dataset, image)
        save(dataset, path, check)

    monkeypatch.setattr(rtstruct_write, "save_checked", spoil)
    (tmp_path / "out").mkdir()
    labels = _blobs(image.geometry.shape)
    with pytest.raises(WriteError, match=sentence) as caught:
        write_rtstruct(Segmentation(labels, image.geometry, SCHEMA), image, MODEL, tmp_path / "out" / "rs.dcm")
    assert "rs.dcm" in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_fault_in_tracing_stops_the_save(tmp_path, image, monkeypatch):
    from scipy.ndimage import binary_fill_holes

    trace = rtstruct_write.trace_mask
    monkeypatch.setattr(rtstruct_write, "trace_mask", lambda mask: trace(binary_fill_holes(mask)))
    labels = np.zeros(image.geometry.shape, dtype=np.uint8)
    labels[6, 2:9, 3:9], labels[6, 4, 5] = 3, 0
    with pytest.raises(WriteError, match="region 3 came back with other voxels on slice 7"):
        write_rtstruct(Segmentation(labels, image.geometry, SCHEMA), image, MODEL, tmp_path / "rs.dcm")


def test_slices_that_stray_a_little_get_contours_in_their_own_planes(tmp_path, phantom, write_series):
    def stray(dataset, k):
        step = phantom.geometry.affine[:3, 0] * (0.02 if k == 5 else 0)
        dataset.ImagePositionPatient = [
            f"{x:.10g}" for x in np.add(list(map(float, dataset.ImagePositionPatient)), step)
        ]

    image = _open(tmp_path / "series", phantom, write_series, edit=stray)
    labels = _blobs(image.geometry.shape)
    write_rtstruct(Segmentation(labels, image.geometry, SCHEMA), image, MODEL, tmp_path / "rs.dcm")
    (found,) = read_rtstruct(tmp_path / "rs.dcm", [SourceGrid.of_image(image)]).segmentations
    assert np.array_equal(found.labels, labels)


def test_labels_of_another_grid_are_refused(tmp_path, image):
    other = Segmentation(_blobs((12, 20, 28)), AXIAL, SCHEMA)
    with pytest.raises(WriteError, match="do not lie on the grid"):
        write_rtstruct(other, image, MODEL, tmp_path / "rs.dcm")


def test_an_image_that_came_from_elsewhere_is_refused(tmp_path, phantom):
    segmentation = Segmentation(_blobs(phantom.geometry.shape), phantom.geometry, SCHEMA)
    with pytest.raises(WriteError, match="was not read from DICOM"):
        write_rtstruct(segmentation, phantom, MODEL, tmp_path / "rs.dcm")


def test_a_class_name_that_dicom_cannot_hold_is_refused(tmp_path, image):
    schema = LabelSchema.from_names(["a\\b"], first_value=3)
    labels = (_blobs(image.geometry.shape) > 0).astype(np.uint8) * 3
    with pytest.raises(WriteError, match="name of class 3 has no room"):
        write_rtstruct(Segmentation(labels, image.geometry, schema), image, MODEL, tmp_path / "rs.dcm")


def test_an_older_file_stays_when_a_save_fails(tmp_path, image, monkeypatch):
    path = tmp_path / "rs.dcm"
    path.write_bytes(b"older")
    monkeypatch.setattr(rtstruct_write, "difference", lambda *_: "slice 1 differs.")
    with pytest.raises(WriteError, match=r"slice 1 differs\. Nothing was saved"):
        write_rtstruct(Segmentation(_blobs(image.geometry.shape), image.geometry, SCHEMA), image, MODEL, path)
    assert path.read_bytes() == b"older"
