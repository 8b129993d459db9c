import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import ChannelKind, Scale
from napari_medclf.io.dicom.header import read_headers
from napari_medclf.io.dicom.pixels.samples import read_gray, shift
from napari_medclf.io.read import read_image
from napari_medclf.testing.phantoms import MARKED_HU, MARKED_VOXEL


@pytest.mark.parametrize(
    ("dtype", "value", "intercept", "expected"),
    [
        (np.uint16, 4095, -1024, np.int16),
        (np.int16, -2000, -1024, np.int16),
        (np.uint16, 65535, -1024, np.int32),
        (np.uint16, 40000, 0, np.uint16),
        (np.uint8, 255, -1024, np.int16),
        (np.int16, 32000, 1000, np.int32),
    ],
)
def test_intercept_is_added_without_overflow(dtype, value, intercept, expected):
    shifted = shift(np.array([0, value], dtype), intercept)
    assert shifted.dtype == expected
    assert shifted.tolist() == [intercept, value + intercept]


def test_hounsfield_units_and_window_of_the_series(tmp_path, phantom, write_series):
    image = read_image(write_series(tmp_path / "ct", phantom))
    assert image.data.dtype == np.int16
    assert image.data[MARKED_VOXEL] == MARKED_HU
    assert image.scale is Scale.HU
    assert image.modality == "CT"
    assert image.window == (-160.0, 239.0)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"])
def test_native_syntaxes_give_the_same_units(tmp_path, phantom, write_series, syntax):
    image = read_image(write_series(tmp_path / "ct", phantom, syntax=syntax))
    assert np.array_equal(image.data, phantom.data)


def test_slices_with_their_own_scale_are_each_rescaled(tmp_path, phantom, write_series):
    def scale(dataset, k):
        dataset.RescaleSlope, dataset.RescaleIntercept = 1 + k, -1024 * (1 + k)

    image = read_image(write_series(tmp_path / "pt", phantom, scale))
    assert image.data.dtype == np.float32
    k, j, i = MARKED_VOXEL
    assert image.data[k, j, i] == MARKED_HU * (1 + k)


def test_bits_above_the_stored_ones_are_left_out_and_told(tmp_path, phantom, write_series):
    def draw_overlay(dataset, k):
        stored = np.frombuffer(dataset.PixelData, "<u2") | 0x8000
        dataset.PixelData = stored.tobytes()

    image = read_image(write_series(tmp_path / "ct", phantom, draw_overlay))
    assert np.array_equal(image.data, phantom.data)
    assert any("12 stored ones" in text for text in image.warnings)


def test_inverted_gray_is_turned_round_with_its_window(tmp_path, phantom, write_series):
    def invert(dataset, k):
        # PS3.3 C.8.11.3.1.2: the shape says the same as the photometric interpretation, not the contrary.
        dataset.PhotometricInterpretation, dataset.PresentationLUTShape = "MONOCHROME1", "INVERSE"
        dataset.PixelData = (4095 - np.frombuffer(dataset.PixelData, "<u2")).astype("<u2").tobytes()
        dataset.WindowCenter, dataset.WindowWidth = [2047 - 40 + 1], [400]

    image = read_image(write_series(tmp_path / "cr", phantom, invert))
    assert np.array_equal(image.data, phantom.data)
    assert image.window == (-160.0, 239.0)
    assert any("MONOCHROME1" in text for text in image.warnings)


def to_pet(dataset, k):
    """70 kg, 370 MBq an hour before the scan, and a slope of its own for each slice."""
    from pydicom.dataset import Dataset

    drug = Dataset()
    drug.RadionuclideTotalDose, drug.RadionuclideHalfLife = "370000000", "6586.2"
    drug.RadiopharmaceuticalStartTime = "100000"
    dataset.Modality, dataset.Units, dataset.DecayCorrection = "PT", "BQML", "START"
    dataset.CorrectedImage = ["ATTN", "DECY"]
    dataset.SeriesDate, dataset.SeriesTime, dataset.PatientWeight = "20260301", "110000", "70"
    dataset.RadiopharmaceuticalInformationSequence = [drug]
    dataset.RescaleSlope, dataset.RescaleIntercept = 1.5 + 0.25 * k, 0
    dataset.RescaleType = "BQML"
    dataset.WindowCenter, dataset.WindowWidth = 20000.5, 40001


def test_uptake_is_activity_by_slice_times_one_factor(tmp_path, phantom, write_series):
    sitk = pytest.importorskip("SimpleITK")
    folder = write_series(tmp_path / "pt", phantom, to_pet)
    image = read_image(folder)
    factor = 70_000 / (370e6 * 0.5 ** (3600 / 6586.2))
    assert image.scale is Scale.SUV
    assert image.data.dtype == np.float32
    assert image.window == pytest.approx((0, 40000 * factor))
    for k in (0, 3):
        (path,) = folder.glob(f"*-{k}")
        activity = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0]
        assert np.allclose(image.data[k], activity * factor, rtol=1e-6)


def test_pet_without_weight_keeps_its_activity_and_says_why(tmp_path, phantom, write_series):
    def without_weight(dataset, k):
        to_pet(dataset, k)
        del dataset.PatientWeight

    image = read_image(write_series(tmp_path / "pt", phantom, without_weight))
    k, j, i = MARKED_VOXEL
    assert image.scale is Scale.RAW
    assert image.data[k, j, i] == pytest.approx((MARKED_HU + 1024) * (1.5 + 0.25 * k))
    assert [text for text in image.warnings if "PatientWeight is missing" in text]


def test_inverted_gray_with_a_modality_table_is_turned_behind_it(tmp_path, phantom, write_series):
    from pydicom.dataset import Dataset

    def tabulate(dataset, k):
        item = Dataset()
        item.add_new("LUTDescriptor", "US", [4096, 0, 12])
        item.add_new("LUTData", "US", list(range(4096)))
        item.ModalityLUTType = "US"
        dataset.ModalityLUTSequence = [item]
        del dataset.RescaleSlope, dataset.RescaleIntercept
        dataset.Modality, dataset.PhotometricInterpretation = "CR", "MONOCHROME1"

    image = read_image(write_series(tmp_path / "cr", phantom, tabulate))
    assert image.data.dtype == np.uint16
    assert np.array_equal(image.data, 4095 - (phantom.data + 1024))


def test_memory_is_asked_for_before_samples_are_read(tmp_path, phantom, write_series, monkeypatch):
    from napari_medclf.io import preflight

    folder = write_series(tmp_path / "ct", phantom)
    headers = [header for path in folder.iterdir() for header in read_headers(path)]
    monkeypatch.setattr(preflight, "_NEVER_ASKED", 0)
    monkeypatch.setattr(preflight, "available_bytes", lambda: 1000)
    with pytest.raises(ReadError, match="memory"):
        read_gray(headers, [])


def test_x_ray_film_has_a_time_axis(shared_data):
    image = read_image(shared_data / "dicom_zoo" / "colour_and_us" / "godicom_I_000000.dcm")
    assert image.channel_kind is ChannelKind.TIME
    assert image.data.shape == (75, 1, 512, 512)
    assert any("modality LUT" in text for text in image.warnings)


def test_modality_lut_is_applied(shared_data):
    image = read_image(shared_data / "dicom_zoo" / "single_files" / "mlut_18.dcm")
    assert image.data.dtype == np.uint16
    assert (image.data.min(), image.data.max()) == (0, 65535)


def test_real_ct_equals_simpleitk_in_place_and_units(shared_data):
    sitk = pytest.importorskip("SimpleITK")
    folder = shared_data / "dicom_zoo" / "series" / "ct_philips_phantom_S21570" / "S2010"
    ours = read_image(folder)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    theirs = reader.Execute()
    assert np.array_equal(ours.data, sitk.GetArrayViewFromImage(theirs))
    last = tuple(n - 1 for n in ours.geometry.shape)
    there = theirs.TransformIndexToPhysicalPoint(tuple(reversed(last)))
    assert np.allclose(ours.geometry.to_world(np.array(last)), there, atol=1e-3)


def test_real_liver_lies_under_its_mask(shared_data):
    from napari_medclf.io.labels import read_label_map

    folder = shared_data / "ct_mr_totalsegmentator"
    ct = read_image(folder / "example_ct_dicom")
    mask = read_label_map(folder / "example_seg_dicom.nii.gz")
    assert any("2 mm apart by position, and 3 mm thick" in text for text in ct.warnings)
    to_mask = np.rint(
        mask.geometry.to_index(ct.geometry.to_world(np.argwhere(np.ones(ct.geometry.shape, bool))))
    ).astype(int)
    assert to_mask.min() >= 0
    on_ct = mask.labels[tuple(to_mask.T)].reshape(ct.geometry.shape)
    assert ct.data[on_ct == 5].mean() == pytest.approx(89, abs=1)
    assert ct.data[on_ct == 1].mean() == pytest.approx(80, abs=1)
