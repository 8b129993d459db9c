import imagecodecs
import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.dicom.pixels import reduced
from napari_medclf.io.dicom.pixels.reduced import read_reduced
from napari_medclf.io.read import read_image

ROWS, COLUMNS = 203, 301
SPOT = (100, 150)


def spot(dtype=np.uint16):
    """One blurred spot on an odd-sized picture."""
    j, i = np.mgrid[:ROWS, :COLUMNS]
    return np.rint(3000 * np.exp(-((j - SPOT[0]) ** 2 + (i - SPOT[1]) ** 2) / 800)).astype(dtype)


@pytest.fixture
def write_spot(tmp_path, phantom, write_series):
    def write(gray, pack, syntax, **changes):
        from pydicom.encaps import encapsulate

        def edit(dataset, k):
            dataset.Rows, dataset.Columns = gray.shape[:2]
            dataset.PixelSpacing = [0.5, 0.25]
            dataset.PixelData = gray.tobytes() if pack is None else encapsulate([pack(gray)])
            dataset["PixelData"].VR = "OW" if pack is None else "OB"
            for keyword, value in changes.items():
                setattr(dataset, keyword, value)
            return k == 0

        return next(write_series(tmp_path / "xray", phantom, edit, syntax=syntax).iterdir())

    return write


def j2k(bits):
    return lambda gray: imagecodecs.jpeg2k_encode(gray, level=0, reversible=True, codecformat="j2k", bitspersample=bits)


def centre_mm(image):
    """World place of the centre of what stands out of the background."""
    weights = image.data.astype(float).ravel() - float(image.data.min())
    places = image.geometry.to_world(np.argwhere(np.ones(image.geometry.shape, bool)))
    return (places * weights[:, None]).sum(axis=0) / weights.sum()


@pytest.mark.parametrize("packing", ["j2k", "none"])
def test_reduced_picture_keeps_its_spot_in_place(write_spot, packing):
    syntax, pack = ("1.2.840.10008.1.2.4.90", j2k(12)) if packing == "j2k" else ("1.2.840.10008.1.2.1", None)
    path = write_spot(spot(), pack, syntax)
    whole, small = read_image(path), read_reduced(path, 40)
    assert small.data.shape == ((1, 51, 76) if packing == "j2k" else (1, 50, 75))
    assert small.geometry.spacing[1:] == pytest.approx((2.0, 1.0))
    assert np.abs(centre_mm(small) - centre_mm(whole)).max() < 0.01
    assert small.data.max() - small.data.min() == pytest.approx(3000, rel=0.03)
    assert small.data.min() == pytest.approx(-1024, abs=40)
    assert any("1/4 of its size" in text for text in small.warnings)


def test_a_picture_shifted_by_half_a_block_would_be_noticed(write_spot):
    path = write_spot(spot(), j2k(12), "1.2.840.10008.1.2.4.90")
    whole, small = read_image(path), read_reduced(path, 40)
    shifted = small.geometry.to_world(np.array([0.0, 0.375, 0.375])) - small.geometry.to_world(np.zeros(3))
    assert np.abs(centre_mm(small) + shifted - centre_mm(whole)).max() > 0.3


def test_signed_samples_keep_their_sign(write_spot):
    path = write_spot(
        spot(np.int16) - 1500,
        j2k(16),
        "1.2.840.10008.1.2.4.90",
        PixelRepresentation=1,
        BitsStored=16,
        HighBit=15,
        RescaleIntercept=0,
    )
    small = read_reduced(path, 100)
    assert small.data.min() == pytest.approx(-1500, abs=5)
    assert small.data.max() == pytest.approx(1500, abs=5)


def test_nothing_is_reduced_below_what_is_asked_or_there(write_spot):
    path = write_spot(spot(), j2k(12), "1.2.840.10008.1.2.4.90")
    assert np.array_equal(read_reduced(path, 203).data, read_image(path).data)
    assert np.array_equal(read_reduced(path, 5000).data, read_image(path).data)
    assert min(read_reduced(path, 102).data.shape[1:]) == 102
    # Four levels of the wavelet are all there are.
    assert read_reduced(path, 1).data.shape == (1, 13, 19)


def test_truncated_picture_is_not_made_up(write_spot):
    path = write_spot(spot(), lambda gray: bytes(j2k(12)(gray))[:-400], "1.2.840.10008.1.2.4.90")
    with pytest.raises(ReadError, match="damaged samples .JPEG 2000"):
        read_reduced(path, 40)


def test_colour_is_reduced_as_colour(shared_data):
    path = shared_data / "dicom_zoo" / "colour_and_us" / "US1_J2KR.dcm"
    small, whole = read_reduced(path, 200), read_image(path)
    assert small.channel_kind is ChannelKind.COLOUR
    assert small.data.shape == (3, 1, 240, 320)
    assert np.abs(small.data.mean(axis=(1, 2, 3)) - whole.data.mean(axis=(1, 2, 3))).max() < 1


def test_real_inverted_x_ray_is_the_same_at_a_quarter(shared_data):
    path = shared_data / "dicom_zoo" / "single_files" / "RG3_J2KI.dcm"
    small, whole = read_reduced(path, 400), read_image(path)
    assert small.data.shape == (1, 440, 440)
    assert small.window == whole.window
    blocks = whole.data.reshape(440, 4, 440, 4).mean(axis=(1, 3))
    assert np.corrcoef(blocks.ravel(), small.data.ravel())[0, 1] > 0.99


def test_film_is_no_single_picture(shared_data):
    with pytest.raises(ReadError, match="more than one picture"):
        read_reduced(shared_data / "dicom_zoo" / "colour_and_us" / "godicom_I_000000.dcm", 64)


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
@pytest.mark.parametrize("slab_bytes", [1, 5000, 2**18])
def test_slabs_give_the_means_of_blocks_of_the_whole(write_spot, monkeypatch, photometric, slab_bytes):
    monkeypatch.setattr(reduced, "_SLAB_BYTES", slab_bytes)
    noisy = np.random.default_rng(0).integers(0, 4096, (203, 307)).astype(np.uint16)
    path = write_spot(noisy, None, "1.2.840.10008.1.2.1", PhotometricInterpretation=photometric)
    whole = read_image(path).data[0].astype(float)
    expected = np.rint(whole[:200, :304].reshape(50, 4, 76, 4).mean(axis=(1, 3)))
    assert np.array_equal(read_reduced(path, 40).data[0], expected)


def test_truncated_rows_are_not_made_up(write_spot):
    path = write_spot(spot(), None, "1.2.840.10008.1.2.1")
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(ReadError, match="truncated"):
        read_reduced(path, 40)
