from copy import deepcopy

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from napari_medclf.io.dicom.header import read_headers
from napari_medclf.io.dicom.read import read_stack, scan_files

SHUFFLED = [7, 2, 11, 0, 5, 9, 1, 10, 3, 8, 4, 6]


def item(**elements):
    one = Dataset()
    for keyword, value in elements.items():
        setattr(one, keyword, Sequence([value]) if isinstance(value, Dataset) else value)
    return one


def enhanced(phantom, folder, write_series, order=SHUFFLED, sop_class="1.2.840.10008.5.1.4.1.1.2.1"):
    """Put the slices of a series into one object, frames in the given order."""
    import pydicom

    files = {int(path.name.partition("-")[2]): path for path in write_series(folder, phantom).iterdir()}
    slices = {k: pydicom.dcmread(path) for k, path in files.items()}
    whole = deepcopy(slices[order[0]])
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = sop_class
    whole.NumberOfFrames = len(order)
    whole.PixelData = b"".join(slices[k].PixelData for k in order)
    first = slices[order[0]]
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(whole, keyword)
    for keyword in ("RescaleSlope", "RescaleIntercept", "RescaleType", "WindowCenter", "WindowWidth"):
        delattr(whole, keyword)
    measures = item(PixelSpacing=first.PixelSpacing, SliceThickness=3.5, SpacingBetweenSlices=3.5)
    shared = item(
        PixelMeasuresSequence=measures,
        PlaneOrientationSequence=item(ImageOrientationPatient=first.ImageOrientationPatient),
        PixelValueTransformationSequence=item(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU"),
    )
    whole.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = [
        item(
            PlanePositionSequence=item(ImagePositionPatient=slices[k].ImagePositionPatient),
            FrameContentSequence=item(StackID="1", InStackPositionNumber=1),
        )
        for k in order
    ]
    whole.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return whole


def save(dataset, path):
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def whole(tmp_path, phantom, write_series):
    return enhanced(phantom, tmp_path / "slices", write_series)


def test_shuffled_frames_are_put_in_order_by_position(tmp_path, phantom, whole):
    (stack,) = scan_files([save(whole, tmp_path / "whole.dcm")]).stacks
    image = read_stack(stack)
    assert np.array_equal(image.data, phantom.data)
    assert image.geometry.same_grid(phantom.geometry, tolerance=1e-4)
    assert image.source.frame_numbers == tuple(SHUFFLED.index(k) + 1 for k in range(12))
    assert len(image.source.files) == 1
    assert len(set(image.source.sop_instance_uids)) == 1
    assert stack.member == ""


def test_scale_of_each_frame_is_its_own(tmp_path, phantom, whole):
    for k, frame in zip(SHUFFLED, whole.PerFrameFunctionalGroupsSequence, strict=True):
        frame.PixelValueTransformationSequence = Sequence([item(RescaleSlope=k + 1, RescaleIntercept=0)])
    (stack,) = scan_files([save(whole, tmp_path / "whole.dcm")]).stacks
    image = read_stack(stack)
    for k in range(12):
        assert np.allclose(image.data[k], (phantom.data[k] + 1024.0) * (k + 1))


def test_frame_without_a_place_is_named(tmp_path, whole):
    del whole.PerFrameFunctionalGroupsSequence[4].PlanePositionSequence
    (refusal,) = scan_files([save(whole, tmp_path / "whole.dcm")]).refusals
    assert "does not tell where frame 5 of 12 lies" in refusal.reason


def test_frames_that_are_not_all_described_are_refused_with_both_numbers(tmp_path, whole):
    del whole.PerFrameFunctionalGroupsSequence[4]
    (refusal,) = scan_files([save(whole, tmp_path / "whole.dcm")]).refusals
    assert "declares 12 frames and describes 11 of them" in refusal.reason


def test_no_place_at_all_is_refused_by_name(tmp_path, whole):
    for frame in whole.PerFrameFunctionalGroupsSequence:
        del frame.PlanePositionSequence
    (refusal,) = scan_files([save(whole, tmp_path / "whole.dcm")]).refusals
    assert "12 frames and does not tell their places (Enhanced CT Image Storage)" in refusal.reason


def test_enhanced_angiogram_without_places_is_a_film(tmp_path, phantom, whole):
    for frame in whole.PerFrameFunctionalGroupsSequence:
        del frame.PlanePositionSequence
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.12.1.1"
    whole.Modality, whole.FrameTime = "XA", 40
    (stack,) = scan_files([save(whole, tmp_path / "whole.dcm")]).stacks
    image = read_stack(stack)
    assert image.data.shape == (12, 1, 20, 28)
    assert image.channel_values[-1] == 440
    assert np.array_equal(image.data[0, 0], phantom.data[SHUFFLED[0]])


def test_film_whose_frames_are_scaled_differently_is_refused(tmp_path, whole):
    for number, frame in enumerate(whole.PerFrameFunctionalGroupsSequence, start=1):
        del frame.PlanePositionSequence
        frame.PixelValueTransformationSequence = Sequence([item(RescaleSlope=number, RescaleIntercept=0)])
    whole.Modality = "XA"
    (refusal,) = scan_files([save(whole, tmp_path / "whole.dcm")]).refusals
    assert "film of 12 frames that are scaled differently" in refusal.reason


def test_ultrasound_volume_lies_in_the_frame_of_its_probe(tmp_path, phantom, whole):
    for frame in whole.PerFrameFunctionalGroupsSequence:
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        del frame.PlanePositionSequence
        frame.PlanePositionVolumeSequence = Sequence([item(ImagePositionVolume=list(map(float, position)))])
    shared = whole.SharedFunctionalGroupsSequence[0]
    directions = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    del shared.PlaneOrientationSequence
    shared.PlaneOrientationVolumeSequence = Sequence([item(ImageOrientationVolume=list(map(float, directions)))])
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.6.2"
    whole.Modality = "US"
    (stack,) = scan_files([save(whole, tmp_path / "whole.dcm")]).stacks
    image = read_stack(stack)
    assert np.array_equal(image.data, phantom.data)
    assert any("ultrasound probe's frame, not of the patient" in text for text in image.warnings)


@pytest.mark.parametrize("lost", [None, 2])
def test_object_in_several_files_is_joined_or_refused(tmp_path, phantom, whole, lost):
    files = []
    n_bytes = len(whole.PixelData) // 12
    for piece in range(3):
        part = deepcopy(whole)
        span = slice(4 * piece, 4 * piece + 4)
        part.PerFrameFunctionalGroupsSequence = Sequence(list(whole.PerFrameFunctionalGroupsSequence)[span])
        part.PixelData = whole.PixelData[n_bytes * 4 * piece : n_bytes * 4 * (piece + 1)]
        part.NumberOfFrames, part.ConcatenationUID = 4, "1.2.77"
        part.InConcatenationNumber, part.InConcatenationTotalNumber = piece + 1, 3
        part.SOPInstanceUID = part.file_meta.MediaStorageSOPInstanceUID = f"1.2.77.{piece}"
        if piece + 1 != lost:
            files.append(save(part, tmp_path / f"piece{piece}.dcm"))
    scan = scan_files(files)
    if lost is not None:
        assert "concatenation) is incomplete: file 2 is missing" in scan.refusals[0].reason
        return
    (stack,) = scan.stacks
    assert np.array_equal(read_stack(stack).data, phantom.data)
    assert len(stack.source.files) == 12


def test_stacks_of_one_object_are_images_of_their_own(tmp_path, whole):
    for k, frame in zip(SHUFFLED, whole.PerFrameFunctionalGroupsSequence, strict=True):
        if k >= 6:
            frame.FrameContentSequence[0].StackID = "2"
            frame.PlaneOrientationSequence = Sequence([item(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])])
            frame.PlanePositionSequence[0].ImagePositionPatient = [5.0 * k, 7, 9]
    path = save(whole, tmp_path / "whole.dcm")
    stacks = scan_files([path]).stacks
    assert [len(stack.headers) for stack in stacks] == [6, 6]
    assert len({stack.member for stack in stacks}) == 2
    assert all(stack.ref.path == path for stack in stacks)


def test_real_enhanced_mr_has_a_header_a_frame(shared_data):
    headers = read_headers(shared_data / "dicom_zoo" / "series" / "mr_enhanced_siemens_xa10" / "6_1.dcm")
    assert [header.frame for header in headers] == [1, 2, 3, 4, 5, 6]
    assert len({header.position for header in headers}) == 6
    assert len({id(header.pixels) for header in headers}) == 1
