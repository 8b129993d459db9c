"""Labels that were written as a segmentation mark the same voxels, on the same slices, at the same places."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pydicom
import pytest

from napari_medclf.domain.authorship import Authorship, Making
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.labels import CodedConcept, LabelClass, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.derived.seg.read import read_seg
from napari_medclf.io.derived.seg.write import write_seg
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.read import read, read_image
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import Expected, all_coded_series

MODEL = Authorship(Making.SEMIAUTOMATIC, "liver-ct", "1.2", "ab" * 32, (("threshold", "0.5"),), author="reader 1")
LIVER = CodedConcept(value="10200004", scheme="SCT", meaning="Liver")
SCHEMA = LabelSchema(
    classes=(
        LabelClass(value=3, name="Leber, größer", colour="#E69F00", code=LIVER),
        LabelClass(value=7, name="left kidney", colour="#56B4E9"),
        LabelClass(value=9, name="病变", colour="#009E73"),
    )
)
SERIES = {
    one.name: one
    for one in all_coded_series()
    if one.expected in (Expected.EXACT, Expected.TOLERATED) and one.direction_error <= 1e-3
}
GAPPED = {one.name: one for one in all_coded_series() if one.name in ("missing", "missing two", "enhanced missing")}
FORMS = ("binary", "labelmap")


def lop_sided(image):
    """Label a corner, a row and single voxels, so that no flip or swap leaves them in place."""
    shape = image.geometry.shape
    labels = np.zeros(shape, np.uint8)
    labels[: max(shape[0] // 3, 1), :3, :2] = 3
    labels[shape[0] // 2, 1, :] = 7
    labels[-1, -2, 0] = 7
    labels[0, -1, -1] = 9
    return Segmentation(labels, image.geometry, SCHEMA, name="lop-sided")


def marked(segmentation, name):
    """LPS millimetres of the voxels of a class, in a stable order."""
    index = np.argwhere(segmentation.labels == segmentation.schema.named(name).value)
    places = segmentation.geometry.to_world(index)
    return places[np.lexsort(np.rint(places * 100).T)]


def images_of(folder):
    report = read([folder])
    assert report.refusals == ()
    return report.images


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SERIES)
def test_labels_of_every_coded_series_come_back(name, form, tmp_path):
    for image in images_of(write_coded(SERIES[name], tmp_path / "series")):
        meant = lop_sided(image)
        write_seg(meant, image, MODEL, tmp_path / "seg.dcm", form=form)
        found = read_seg(tmp_path / "seg.dcm", [SourceGrid.of_image(image)])
        (labels,) = (one.labels for one in found.segmentations)
        assert found.is_on_source_grid
        assert np.array_equal(np.array([0, 3, 7, 9])[labels], meant.labels)


@pytest.mark.parametrize("name", [name for name, one in SERIES.items() if one.expected is Expected.EXACT])
def test_positions_alone_lead_to_the_true_places(name, tmp_path):
    series = SERIES[name]
    images = images_of(write_coded(series, tmp_path / "series"))
    for image in images:
        meant = lop_sided(image)
        write_seg(meant, image, MODEL, tmp_path / "seg.dcm")
        alone = read_seg(tmp_path / "seg.dcm").segmentations[0]
        samples = np.asarray(image.data)
        volume = samples if samples.ndim == 3 else samples[0]
        for one in SCHEMA.classes:
            codes = series.codes_of(volume[meant.labels == one.value])
            truth = series.true_world(codes)
            truth = truth[np.lexsort(np.rint(truth * 100).T)]
            np.testing.assert_allclose(marked(alone, one.name), truth, atol=1e-4 + 5 * series.direction_error)


@pytest.mark.parametrize("gaps", ["blank", "resample"])
@pytest.mark.parametrize("name", GAPPED)
def test_labels_on_filled_gaps_go_to_the_acquired_slices(name, gaps, tmp_path):
    series = GAPPED[name]
    folder = write_coded(series, tmp_path / "series")
    uid = pydicom.dcmread(next(folder.iterdir())).SeriesInstanceUID
    image = read_image(folder, f"{uid}+gaps={gaps}")
    meant = lop_sided(image)
    write_seg(meant, image, MODEL, tmp_path / "seg.dcm")
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    acquired = {tuple(np.round(plane.corner, 3)) for plane in series.planes}
    written = {
        tuple(np.round(np.array(group.PlanePositionSequence[0].ImagePositionPatient, float), 3))
        for group in dataset.PerFrameFunctionalGroupsSequence
    }
    assert written <= acquired
    found = read_seg(tmp_path / "seg.dcm", [SourceGrid.of_image(image)]).segmentations[0]
    slices = np.rint(image.source.acquired_k).astype(int)
    assert np.array_equal(np.array([0, 3, 7, 9])[found.labels[slices]], meant.labels[slices])


def test_all_48_turns_of_a_volume_keep_its_labels_in_place(phantom, write_series, tmp_path):
    for number, (order, flips) in enumerate(product(permutations(range(3)), product((False, True), repeat=3))):
        data = np.ascontiguousarray(np.flip(phantom.data.transpose(order), [a for a in range(3) if flips[a]]))
        turned = replace(phantom, data=data, geometry=phantom.geometry.permuted(order, flips))
        (image,) = images_of(write_series(tmp_path / str(number), turned))
        meant = lop_sided(image)
        write_seg(meant, image, MODEL, tmp_path / "seg.dcm")
        alone = read_seg(tmp_path / "seg.dcm").segmentations[0]
        for one in SCHEMA.classes:
            np.testing.assert_allclose(marked(alone, one.name), marked(meant, one.name), atol=1e-3)


@pytest.fixture
def image(phantom, write_series, tmp_path):
    return images_of(write_series(tmp_path / "ct", phantom))[0]


def test_names_colours_and_codes_survive(image, tmp_path):
    write_seg(lop_sided(image), image, MODEL, tmp_path / "seg.dcm")
    liver, kidney, lesion = read_seg(tmp_path / "seg.dcm").segmentations[0].schema.classes
    assert (liver.name, liver.colour, liver.code) == ("Leber, größer", "#E69F00", LIVER)
    assert (kidney.name, kidney.colour, kidney.code.meaning) == ("left kidney", "#56B4E9", "Kidney")
    assert (lesion.name, lesion.code.scheme, lesion.code.meaning) == ("病变", "99MEDCLF", "病变")


def test_the_side_of_an_organ_is_a_modifier(image, tmp_path):
    write_seg(lop_sided(image), image, MODEL, tmp_path / "seg.dcm")
    kind = pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence[1].SegmentedPropertyTypeCodeSequence[0]
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"


@pytest.mark.parametrize("making", list(Making))
def test_the_making_is_told_truthfully(image, making, tmp_path):
    authorship = MODEL if making is not Making.MANUAL else Authorship(making, author="reader 1")
    write_seg(lop_sided(image), image, replace(authorship, making=making), tmp_path / "seg.dcm")
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    assert {one.SegmentAlgorithmType for one in dataset.SegmentSequence} == {str(making)}
    assert ("SegmentationAlgorithmIdentificationSequence" in dataset.SegmentSequence[0]) == (
        making is not Making.MANUAL
    )
    assert dataset.ContentCreatorName == "reader 1"
    assert dataset.ContentDescription == "Research use only, not for diagnosis"


def test_the_model_is_named_with_its_weights_and_settings(image, tmp_path):
    write_seg(lop_sided(image), image, MODEL, tmp_path / "seg.dcm")
    algorithm = pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("liver-ct", "1.2")
    assert algorithm.AlgorithmFamilyCodeSequence[0].CodeValue == "123110"
    assert algorithm.AlgorithmParameters == f"threshold=0.5,weights_sha256={'ab' * 32}"


def test_patient_and_study_are_those_of_the_image(image, tmp_path):
    uids = {write_seg(lop_sided(image), image, MODEL, tmp_path / "seg.dcm") for _ in range(2)}
    dataset, source = pydicom.dcmread(tmp_path / "seg.dcm"), pydicom.dcmread(image.source.files[0])
    assert dataset.SOPInstanceUID in uids
    assert len(uids) == 2
    for keyword in ("PatientName", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert dataset[keyword].value == source[keyword].value
    assert dataset.SeriesInstanceUID != source.SeriesInstanceUID


def test_places_are_written_as_the_source_writes_them(image, tmp_path):
    write_seg(lop_sided(image), image, MODEL, tmp_path / "seg.dcm")
    sources = {str(one.SOPInstanceUID): one for one in map(pydicom.dcmread, image.source.files)}
    for group in pydicom.dcmread(tmp_path / "seg.dcm").PerFrameFunctionalGroupsSequence:
        uid = group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        written = group.PlanePositionSequence[0].ImagePositionPatient
        assert [str(x) for x in written] == [str(x) for x in sources[uid].ImagePositionPatient]


def test_a_frame_of_a_multi_frame_source_is_named_by_its_number(tmp_path):
    series = SERIES["enhanced shuffled"]
    (image,) = images_of(write_coded(series, tmp_path / "series"))
    write_seg(lop_sided(image), image, MODEL, tmp_path / "seg.dcm")
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    assert len(dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 1
    source = pydicom.dcmread(image.source.files[0])
    for group in dataset.PerFrameFunctionalGroupsSequence:
        number = int(group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber)
        place = source.PerFrameFunctionalGroupsSequence[number - 1].PlanePositionSequence[0].ImagePositionPatient
        assert list(group.PlanePositionSequence[0].ImagePositionPatient) == list(place)


@pytest.mark.parametrize("name", ["enhanced two stacks", "enhanced two stacks shuffled", "two orientations"])
def test_labels_find_the_right_one_of_two_stacks(name, tmp_path):
    images = images_of(write_coded(SERIES[name], tmp_path / "series"))
    grids = [SourceGrid.of_image(image) for image in images]
    for image in images:
        meant = lop_sided(image)
        write_seg(meant, image, MODEL, tmp_path / "seg.dcm")
        for order in (grids, grids[::-1]):
            found = read_seg(tmp_path / "seg.dcm", order)
            assert found.is_on_source_grid
            assert found.segmentations[0].geometry.same_grid(image.geometry)
            assert np.count_nonzero(found.segmentations[0].labels) == np.count_nonzero(meant.labels)


def without_place(dataset, k):
    del dataset.ImagePositionPatient, dataset.ImageOrientationPatient
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    dataset.Modality = "CR"
    return k == 4


def test_a_picture_without_a_place_gets_labels_without_one(phantom, write_series, tmp_path):
    (picture,) = images_of(write_series(tmp_path / "cr", phantom, without_place))
    meant = lop_sided(picture)
    write_seg(meant, picture, MODEL, tmp_path / "seg.dcm")
    assert "PlanePositionSequence" not in pydicom.dcmread(tmp_path / "seg.dcm").PerFrameFunctionalGroupsSequence[0]
    found = read_seg(tmp_path / "seg.dcm", [SourceGrid.of_image(picture)])
    assert found.is_on_source_grid
    assert np.array_equal(np.array([0, 3, 7, 9])[found.segmentations[0].labels], meant.labels)


def test_labels_of_a_film_are_refused(phantom, write_series, tmp_path):
    def film(dataset, k):
        dataset.NumberOfFrames = 2
        dataset.PixelData *= 2
        dataset.Modality = "XA"
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.12.1"
        del dataset.ImagePositionPatient, dataset.ImageOrientationPatient
        return k == 4

    (image,) = images_of(write_series(tmp_path / "xa", phantom, film))
    with pytest.raises(WriteError, match="is a film of 2 frames"):
        write_seg(lop_sided(image), image, MODEL, tmp_path / "seg.dcm")


def test_what_no_standard_allows_is_left_out(phantom, write_series, tmp_path, assert_conforms):
    def odd(dataset, k):
        dataset.PatientSex, dataset.PatientAge, dataset.StudyDate = "UNKNOWN", "0Y", "2026.11.21"
        dataset.SpecificCharacterSet, dataset.PatientName = "ISO_IR 100", "MÜLLER^JÖRG"
        dataset.PatientIdentityRemoved, dataset.DeidentificationMethod = "YES", ""
        del dataset.FrameOfReferenceUID

    (image,) = images_of(write_series(tmp_path / "ct", phantom, odd))
    write_seg(lop_sided(image), image, MODEL, tmp_path / "seg.dcm")
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    assert str(dataset.PatientName) == "MÜLLER^JÖRG"
    assert dataset.SpecificCharacterSet == "ISO_IR 192"
    assert [dataset[keyword].value for keyword in ("PatientSex", "PatientAge", "StudyDate")] == ["", "", ""]
    assert_conforms(tmp_path / "seg.dcm")


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("value", ["", "999.1.2", "SECRET"])
def test_an_image_without_identifiers_is_refused_by_name(keyword, value, phantom, write_series, tmp_path):
    def blank(dataset, k):
        setattr(dataset, keyword, value)
        return k == 4

    (image,) = images_of(write_series(tmp_path / "ct", phantom, blank))
    with pytest.raises(WriteError) as caught:
        write_seg(lop_sided(image), image, MODEL, tmp_path / "seg.dcm")
    assert "SECRET" not in str(caught.value)


def test_a_folder_that_takes_no_file_is_told(image, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="could not be written"):
        write_seg(lop_sided(image), image, MODEL, tmp_path / "file" / "seg.dcm")


def test_numbered_objects_become_a_segment_each(image, tmp_path):
    labels = np.zeros(image.geometry.shape, np.int32)
    labels[2, 3:5, 4:6], labels[5, 10, 11], labels[8, 1:3, 20] = 4, 17, 300
    kind = LabelSchema.from_names(["nodule"], first_value=1)
    write_seg(Segmentation(labels, image.geometry, kind, is_instances=True), image, MODEL, tmp_path / "seg.dcm")
    (found,) = read_seg(tmp_path / "seg.dcm", [SourceGrid.of_image(image)]).segmentations
    assert [found.count(f"nodule {number}") for number in (4, 17, 300)] == [4, 1, 2]
    assert pydicom.dcmread(tmp_path / "seg.dcm").SegmentationType == "LABELMAP"


def test_too_many_objects_are_refused(image, tmp_path):
    labels = np.arange(np.prod(image.geometry.shape)).reshape(image.geometry.shape)
    kind = LabelSchema.from_names(["nodule"], first_value=1)
    with pytest.raises(WriteError, match="objects are too many"):
        write_seg(Segmentation(labels, image.geometry, kind, is_instances=True), image, MODEL, tmp_path / "seg.dcm")


def test_a_class_without_voxels_keeps_its_name(image, tmp_path):
    meant = lop_sided(image)
    meant = replace(meant, labels=np.where(meant.labels == 7, 0, meant.labels))
    write_seg(meant, image, MODEL, tmp_path / "seg.dcm")
    found = read_seg(tmp_path / "seg.dcm").segmentations[0]
    assert found.schema.names == SCHEMA.names
    assert found.count("left kidney") == 0


def test_empty_labels_can_be_written(image, tmp_path):
    empty = replace(lop_sided(image), labels=np.zeros(image.geometry.shape, np.uint8))
    write_seg(empty, image, MODEL, tmp_path / "seg.dcm")
    assert not read_seg(tmp_path / "seg.dcm", [SourceGrid.of_image(image)]).segmentations[0].labels.any()


def test_labels_on_another_grid_are_refused(image, tmp_path):
    meant = lop_sided(image)
    moved = replace(meant, geometry=image.geometry.permuted((0, 1, 2), (True, False, False)))
    with pytest.raises(WriteError, match="not on the grid"):
        write_seg(moved, image, MODEL, tmp_path / "seg.dcm")
    assert not (tmp_path / "seg.dcm").exists()


def test_a_name_that_dicom_cannot_hold_is_refused(image, tmp_path):
    long = LabelSchema(classes=(LabelClass(value=3, name="x" * 65, colour="#E69F00"),))
    labels = np.where(lop_sided(image).labels == 3, 3, 0)
    with pytest.raises(WriteError, match="at most 64 characters"):
        write_seg(Segmentation(labels, image.geometry, long), image, MODEL, tmp_path / "seg.dcm")
