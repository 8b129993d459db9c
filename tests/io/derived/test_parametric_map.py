"""Parametric maps lie where their source does, and hold what they measure in its unit."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from highdicom.content import PixelMeasuresSequence, PlaneOrientationSequence, PlanePositionSequence
from highdicom.pm import ParametricMap, RealWorldValueMapping
from pydicom.sr.codedict import codes

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import ChannelKind, Scale
from napari_medclf.io.derived.parametric_map import read_parametric_map
from napari_medclf.io.derived.source_grid import SourceGrid
from napari_medclf.io.read import read


@pytest.fixture
def image(tmp_path, phantom, write_series):
    def fill(dataset, k):
        for keyword in ("StudyDate", "StudyTime", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"):
            setattr(dataset, keyword, "")

    return read([write_series(tmp_path / "series", phantom, fill)]).images[0]


def _mapping(unit, quantity=None, slope=1.0, intercept=0.0, limits=(0, 65535), label="map"):
    return RealWorldValueMapping(label, "SECRET^JANE", unit, limits, slope, intercept, quantity_definition=quantity)


def _write(path, image, samples, mappings, edit=None):
    sources = [pydicom.dcmread(one) for one in image.source.files]
    k, j, i = image.geometry.spacing
    turned = [float(x) for x in (*image.geometry.directions[:, 2], *image.geometry.directions[:, 1])]
    places = [
        PlanePositionSequence("PATIENT", [float(f"{x:.9g}") for x in image.geometry.to_world(np.array([n, 0, 0]))])
        for n in range(len(samples))
    ]
    made = ParametricMap(
        sources,
        samples,
        "1.2.3.1",
        1,
        "1.2.3.2",
        1,
        "maker",
        "model",
        "1",
        "123",
        contains_recognizable_visual_features=False,
        real_world_value_mappings=mappings,
        window_center=0.5,
        window_width=1.0,
        pixel_measures=PixelMeasuresSequence([j, i], k),
        plane_orientation=PlaneOrientationSequence("PATIENT", [float(f"{x:.12g}") for x in turned]),
        plane_positions=places,
    )
    if edit is not None:
        edit(made)
    made.save_as(path)
    return path


def _codes(image):
    return np.arange(image.data.size, dtype=np.float32).reshape(image.data.shape) / 7


ADC = _mapping(codes.UCUM.SquareMillimeterPerSecond, codes.DCM.ApparentDiffusionCoefficient, limits=(0.0, 1e6))


def test_every_voxel_of_an_oblique_map_lies_on_its_source(tmp_path, image):
    path = _write(tmp_path / "adc.dcm", image, _codes(image), [ADC])
    found = read_parametric_map(path, [SourceGrid.of_image(image)])
    assert np.array_equal(found.data, _codes(image))
    assert found.geometry is image.geometry
    assert found.name == "adc Apparent Diffusion Coefficient (mm2/s)"
    assert found.channel_kind is ChannelKind.NONE
    assert found.warnings == ()
    assert "SECRET" not in repr((found.name, found.channel_names, found.warnings))


def test_without_its_source_it_lies_at_the_same_place(tmp_path, image):
    found = read_parametric_map(_write(tmp_path / "adc.dcm", image, _codes(image), [ADC]))
    assert found.geometry.same_grid(image.geometry, 1e-4)
    assert np.array_equal(found.data, _codes(image))


def test_shuffled_frames_are_put_in_order_of_their_places(tmp_path, image):
    def shuffle(dataset):
        order = [5, 2, 11, 0, 7, 1, 10, 3, 9, 4, 8, 6]
        frames = np.frombuffer(dataset.FloatPixelData, "<f4").reshape(image.data.shape)
        dataset.FloatPixelData = frames[order].tobytes()
        dataset.PerFrameFunctionalGroupsSequence = [dataset.PerFrameFunctionalGroupsSequence[n] for n in order]

    found = read_parametric_map(_write(tmp_path / "adc.dcm", image, _codes(image), [ADC], shuffle))
    assert np.array_equal(found.data, _codes(image))
    assert sorted(found.source.frame_numbers) == list(range(1, 13)) != list(found.source.frame_numbers)


def test_whole_numbers_become_values_with_a_unit(tmp_path, image):
    stored = np.arange(image.data.size, dtype=np.uint16).reshape(image.data.shape)
    mapping = _mapping(codes.UCUM.HounsfieldUnit, slope=0.5, intercept=-1000.0)
    found = read_parametric_map(_write(tmp_path / "hu.dcm", image, stored, [mapping]))
    assert np.allclose(found.data, stored * 0.5 - 1000)
    assert found.scale is Scale.HU
    assert found.name == "hu ([hnsf'U])"


def test_two_quantities_become_two_channels_on_one_grid(tmp_path, image):
    both = np.stack([_codes(image), 2 * _codes(image)], axis=-1)
    other = _mapping(codes.UCUM.Second, codes.DCM.T1, limits=(0.0, 1e6))
    found = read_parametric_map(_write(tmp_path / "two.dcm", image, both, [[ADC], [other]]))
    assert found.channel_kind is ChannelKind.CHANNEL
    assert found.channel_names == ("Apparent Diffusion Coefficient (mm2/s)", "T1 (s)")
    assert np.array_equal(found.data, np.moveaxis(both, -1, 0))
    assert found.geometry.same_grid(image.geometry, 1e-4)


def test_samples_without_a_meaning_are_told(tmp_path, image):
    mapping = _mapping(codes.UCUM.NoUnits, limits=(0.0, 1.0))
    found = read_parametric_map(_write(tmp_path / "m.dcm", image, _codes(image), [mapping]))
    n_outside = int((_codes(image) > 1).sum())
    assert found.warnings == (f"{n_outside} samples lie outside the range for which the file says what they mean.",)


def test_a_map_of_another_grid_than_its_source_says_so(tmp_path, image):
    def move(dataset):
        for group in dataset.PerFrameFunctionalGroupsSequence:
            place = group.PlanePositionSequence[0]
            place.ImagePositionPatient = [f"{float(x) + 0.25:.9g}" for x in place.ImagePositionPatient]

    path = _write(tmp_path / "adc.dcm", image, _codes(image), [ADC], move)
    found = read_parametric_map(path, [SourceGrid.of_image(image)])
    assert np.allclose(found.geometry.affine[:3, 3] - image.geometry.affine[:3, 3], 0.25, atol=1e-4)
    assert any("grid of its own" in text for text in found.warnings)


def _without_fourth_frame(dataset):
    frames = np.frombuffer(dataset.FloatPixelData, "<f4").reshape(12, 20, 28)
    dataset.FloatPixelData = np.delete(frames, 3, axis=0).tobytes()
    dataset.PerFrameFunctionalGroupsSequence.pop(3)
    dataset.NumberOfFrames = 11


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda d: d.PerFrameFunctionalGroupsSequence.pop(), "declares 12 frames and describes 11"),
        (_without_fourth_frame, "mm apart"),
        (lambda d: setattr(d, "FloatPixelData", d.FloatPixelData[:-4]), "truncated"),
        (lambda d: setattr(d, "Rows", 60000), "truncated"),
        (
            lambda d: setattr(
                d.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence[0],
                "ImagePositionPatient",
                ["nan", "0", "0"],
            ),
            "not three finite numbers",
        ),
    ],
    ids=["a frame not described", "a frame missing", "too short", "too large", "no number"],
)
def test_a_damaged_map_is_refused_in_one_line(tmp_path, image, edit, sentence):
    path = _write(tmp_path / "adc.dcm", image, _codes(image), [ADC], edit)
    with pytest.raises(ReadError, match=sentence) as caught:
        read_parametric_map(path)
    assert str(path) in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(("name", "dtype"), [("float", np.float32), ("double_float", np.float64)])
def test_real_maps_are_read_as_pydicom_reads_them(shared_data, name, dtype):
    path = shared_data / "dicom_zoo" / "single_files" / f"parametric_map_{name}.dcm"
    found = read_parametric_map(path)
    assert found.data.dtype == dtype
    assert np.array_equal(found.data[0], pydicom.dcmread(path).pixel_array)
    assert np.allclose(found.geometry.to_world(np.zeros(3)), (-158.135803, -179.035797, -75.699997))
    assert np.allclose(found.geometry.spacing, (5, 0.661468, 0.661468))
