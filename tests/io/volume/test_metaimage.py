import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.volume.metaimage import read_metaimage

sitk = pytest.importorskip("SimpleITK")


def oblique(data, is_vector=False):
    image = sitk.GetImageFromArray(data, isVector=is_vector)
    n = image.GetDimension()
    turn = np.eye(n)
    turn[:2, :2] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    if n >= 3:
        tip = np.eye(n)
        tip[1:3, 1:3] = [[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]]
        turn = turn @ tip
    image.SetDirection(turn.ravel().tolist())
    image.SetSpacing([0.7, 0.9, 2.5, 1.0][:n])
    image.SetOrigin([-11.5, 23.25, 7.125, 0.0][:n])
    return image


def ramp(*shape, dtype=np.int16):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


@pytest.mark.parametrize("suffix", [".mha", ".mhd"])
@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.int64, np.float32, np.float64])
def test_every_voxel_lies_where_simpleitk_puts_it(tmp_path, suffix, is_packed, dtype):
    stored = ramp(3, 4, 5, dtype=dtype)
    theirs = oblique(stored)
    sitk.WriteImage(theirs, str(tmp_path / f"a{suffix}"), is_packed)
    ours = read_metaimage(tmp_path / f"a{suffix}")
    assert ours.data.dtype == dtype
    assert np.array_equal(ours.data, stored)
    for index in ((0, 0, 0), (2, 3, 4), (1, 0, 3)):
        there = theirs.TransformIndexToPhysicalPoint(index[::-1])
        assert np.allclose(ours.geometry.to_world(np.array(index)), there, atol=1e-6)
    assert ours.warnings == ()


def test_flat_time_vector_and_colour_images_find_their_axes(tmp_path):
    path = str(tmp_path / "a.mha")
    sitk.WriteImage(oblique(ramp(4, 5)), path)
    assert read_metaimage(tmp_path / "a.mha").geometry.shape == (1, 4, 5)
    film = ramp(2, 3, 4, 5)
    sitk.WriteImage(oblique(film), path)
    image = read_metaimage(tmp_path / "a.mha")
    assert image.channel_kind is ChannelKind.TIME
    assert np.array_equal(image.data, film)
    vector = ramp(3, 4, 5, 2)
    sitk.WriteImage(oblique(vector, is_vector=True), path)
    image = read_metaimage(tmp_path / "a.mha")
    assert image.channel_kind is ChannelKind.CHANNEL
    assert np.array_equal(image.data, np.moveaxis(vector, -1, 0))
    colour = ramp(3, 4, 5, 3, dtype=np.uint8)
    sitk.WriteImage(oblique(colour, is_vector=True), path)
    image = read_metaimage(tmp_path / "a.mha")
    assert image.channel_kind is ChannelKind.COLOUR
    assert image.data[1, 2, 3, 4] == colour[2, 3, 4, 1]


HEADER = "ObjectType = Image\nNDims = 3\nDimSize = 5 4 3\nElementType = MET_SHORT\n"
BODY = ramp(3, 4, 5).tobytes()


def write(path, header, body=BODY):
    path.write_bytes(header.encode() + body)
    return path


def test_big_endian_text_and_skipped_headers_give_the_same_samples(tmp_path):
    expected = ramp(3, 4, 5)
    big = write(
        tmp_path / "big.mha", HEADER + "BinaryDataByteOrderMSB = True\nElementDataFile = LOCAL\n",
        expected.astype(">i2").tobytes(),
    )  # fmt: skip
    text = write(
        tmp_path / "text.mha", HEADER + "BinaryData = False\nElementDataFile = LOCAL\n",
        " ".join(map(str, expected.ravel())).encode(),
    )  # fmt: skip
    write(tmp_path / "a.raw", "", b"junk of a scanner" + BODY)
    skipped = write(tmp_path / "skip.mhd", HEADER + "HeaderSize = -1\nElementDataFile = a.raw\n", b"")
    for path in (big, text, skipped):
        image = read_metaimage(path)
        assert np.array_equal(image.data, expected), path
        assert image.geometry.spacing == (1.0, 1.0, 1.0)
        assert len(image.warnings) == 2
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(big))), expected)


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ("ElementDataFile = ../a.raw\n", "outside its own folder"),
        ("ElementDataFile = /etc/passwd\n", "outside its own folder"),
        ("ElementDataFile = absent.raw\n", "is not there"),
        ("ElementDataFile = LIST\n", "file of its own"),
        ("TransformMatrix = 1 0 0 0 1 0 0 0 nan\nElementDataFile = LOCAL\n", "finite"),
        ("TransformMatrix = 1 0 0 0 1 0 0 0 0\nElementDataFile = LOCAL\n", "singular"),
        ("TransformMatrix = 1 0 0\nElementDataFile = LOCAL\n", "9 were expected"),
        ("ElementSpacing = 1 x 1\nElementDataFile = LOCAL\n", "cannot be read as MetaImage"),
        ("DimSize = 50000 50000 50000\nElementDataFile = LOCAL\n", "declares 125000000000000 samples"),
        ("DimSize = 0 4 3\nElementDataFile = LOCAL\n", "positive ones"),
        ("ElementType = MET_OTHER\nElementDataFile = LOCAL\n", "not read"),
        ("CompressedData = True\nElementDataFile = LOCAL\n", "damaged"),
        ("Comment = nothing\n", "no complete MetaImage header"),
    ],
)
def test_damaged_header_is_one_sentence(tmp_path, extra, reason):
    (tmp_path / "a.raw").write_bytes(BODY)
    (tmp_path / "sub").mkdir()
    with pytest.raises(ReadError, match=reason) as caught:
        read_metaimage(write(tmp_path / "sub" / "a.mha", HEADER + extra))
    assert "\n" not in str(caught.value)


def save_plain(path, *more, content=None, binary=True):
    lines = ["NDims = 3", "DimSize = 5 4 3", "ElementType = MET_UCHAR", f"BinaryData = {binary}", *more]
    head = "\n".join([*lines, "ElementSpacing = 2 3 4", "ElementDataFile = LOCAL"]) + "\n"
    path.write_bytes(head.encode() + (bytes(range(60)) if content is None else content))
    return path


def test_lengths_in_microns_become_millimetres(tmp_path):
    image = read_metaimage(save_plain(tmp_path / "a.mha", "DistanceUnits = um", "Offset = 10 20 30"))
    assert image.geometry.spacing == pytest.approx((0.004, 0.003, 0.002))
    assert image.geometry.to_world(np.zeros(3)) == pytest.approx([0.01, 0.02, 0.03])


def test_a_scale_of_the_samples_is_told(tmp_path):
    image = read_metaimage(save_plain(tmp_path / "a.mha", "ElementToIntensityFunctionSlope = 2"))
    assert any("kept as stored" in one for one in image.warnings)


def test_text_samples_beyond_their_type_are_refused(tmp_path):
    words = " ".join(str(10 * n) for n in range(60)).encode()
    with pytest.raises(ReadError, match="do not fit its type"):
        read_metaimage(save_plain(tmp_path / "a.mha", content=words, binary=False))


def test_samples_that_begin_inside_the_header_are_refused(tmp_path):
    with pytest.raises(ReadError, match="inside the header"):
        read_metaimage(save_plain(tmp_path / "a.mha", "HeaderSize = 10"))
