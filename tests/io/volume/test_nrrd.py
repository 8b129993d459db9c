import bz2
import gzip

import numpy as np
import pytest

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.read import read_entry
from napari_medclf.io.volume.nrrd import read_nrrd

HEADER = """NRRD0004
# made by hand
type: short
dimension: 3
space: {space}
sizes: 5 4 3
space directions: (0.5,0,0) (0,0.75,0) (0,0,3.5)
kinds: domain domain domain
endian: little
encoding: raw
space origin: (-20,30,7)

"""


def save(path, space="left-posterior-superior", header=HEADER):
    stored = np.arange(60, dtype="<i2")
    path.write_bytes(header.format(space=space).encode() + stored.tobytes())
    return path


def test_first_axis_of_the_file_is_our_last(tmp_path):
    image = read_nrrd(save(tmp_path / "a.nrrd"))
    assert image.data.shape == (3, 4, 5)
    assert image.data[0, 0, 1] == 1
    assert image.geometry.spacing == (3.5, 0.75, 0.5)
    assert np.allclose(image.geometry.to_world(np.array([1, 0, 2])), [-19, 30, 10.5])


def test_right_anterior_space_is_turned_to_left_posterior(tmp_path):
    image = read_nrrd(save(tmp_path / "a.nrrd", "RAS"))
    assert np.allclose(image.geometry.to_world(np.array([1, 0, 2])), [19, -30, 10.5])


def test_real_files_lie_where_simpleitk_puts_them(shared_data):
    sitk = pytest.importorskip("SimpleITK")
    for path in sorted((shared_data / "nrrd_pyradiomics").glob("*.nrrd")):
        ours, theirs = read_nrrd(path), sitk.ReadImage(str(path))
        last = tuple(n - 1 for n in ours.geometry.shape)
        there = theirs.TransformIndexToPhysicalPoint(tuple(reversed(last)))
        assert np.allclose(ours.geometry.to_world(np.array(last)), there, atol=1e-6)
        assert np.array_equal(ours.data, sitk.GetArrayViewFromImage(theirs))


def test_file_without_a_space_is_pixels_and_says_so(tmp_path):
    header = "\n".join(line for line in HEADER.splitlines() if not line.startswith("space")) + "\n"
    image = read_nrrd(save(tmp_path / "a.nrrd", header=header))
    assert image.geometry.unit is Unit.PIXEL
    assert "no place in the patient" in image.warnings[0]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("encoding: raw", "encoding: bzip2", "cannot be unpacked"),
        ("sizes: 5 4 3", "sizes: 5 4 300", "truncated"),
        ("type: short", "type: block", "of a type that is not read"),
        ("encoding: raw", "encoding: raw\ndata file: elsewhere.raw", "is not there"),
        ("(0,0,3.5)", "(0,0,0)", "singular"),
        ("(0,0,3.5)", "(0,0,nan)", "finite"),
        ("left-posterior-superior", "3D-left-handed", "patient's space"),
        ("sizes: 5 4 3\n", "", "sizes"),
        ("sizes: 5 4 3", "sizes: 5 4 -3", "do not fit"),
        ("sizes: 5 4 3", "sizes: 99999999999 99999999999 3", "truncated"),
        ("dimension: 3", "dimension: 4", "do not fit"),
        ("encoding: raw", "encoding: raw\ndata file: ../a.nrrd", "outside its own folder"),
        ("encoding: raw", "encoding: raw\ndata file: /etc/passwd", "outside its own folder"),
        ("encoding: raw", "encoding: raw\ndata file: LIST", "file of its own"),
        ("encoding: raw", "encoding: gzip", "damaged"),
        ("kinds: domain domain domain", "kinds: complex domain domain", "not spatial|complex"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path, old, new, reason):
    header = HEADER.format(space="left-posterior-superior").replace(old, new)
    with pytest.raises(ReadError, match=reason):
        read_nrrd(save(tmp_path / "a.nrrd", header=header))


def test_scanner_space_is_read_with_doubt(tmp_path):
    image = read_nrrd(save(tmp_path / "a.nrrd", "scanner-xyz"))
    assert "not the patient's" in image.warnings[0]


def write_text(path, encoding, body, extra=""):
    header = HEADER.format(space="LPS").replace("encoding: raw", f"encoding: {encoding}{extra}")
    path.write_bytes(header.encode() + body)
    return path


STORED = np.arange(60, dtype="<i2")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("ascii", " ".join(map(str, range(60))).encode()),
        ("txt", "\n".join(map(str, range(60))).encode()),
        ("hex", STORED.tobytes().hex().encode()),
        ("gzip", gzip.compress(STORED.tobytes())),
        ("gz", gzip.compress(STORED.tobytes()[:50]) + gzip.compress(STORED.tobytes()[50:])),
        ("bzip2", bz2.compress(STORED.tobytes())),
        ("raw", STORED.tobytes()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # gzip writes the time into its bytes
)
def test_every_encoding_gives_the_same_samples_attached_and_detached(tmp_path, encoding, body):
    attached = write_text(tmp_path / "a.nrrd", encoding, body)
    (tmp_path / "b.dat").write_bytes(body)
    detached = write_text(tmp_path / "b.nhdr", encoding, b"", "\ndata file: b.dat")
    for path in (attached, detached):
        assert read_nrrd(path).data.ravel().tolist() == list(range(60))


def test_skipped_lines_and_bytes_are_skipped(tmp_path):
    (tmp_path / "a.raw").write_bytes(b"one line\nanother\nxx" + STORED.tobytes())
    extra = "\ndata file: a.raw\nline skip: 2\nbyte skip: 2"
    assert read_nrrd(write_text(tmp_path / "a.nhdr", "raw", b"", extra)).data[2, 3, 4] == 59
    extra = "\ndata file: a.raw\nbyte skip: -1"
    assert read_nrrd(write_text(tmp_path / "b.nhdr", "raw", b"", extra)).data[2, 3, 4] == 59


def write_channels(path, kinds, directions, space="LPS", dtype="short"):
    width = 2 if dtype == "short" else 1
    sizes = (3, 5, 4, 2) if not kinds.startswith("domain") else (5, 4, 2, 3)
    path.write_bytes(
        f"NRRD0005\ntype: {dtype}\ndimension: 4\nspace: {space}\nsizes: {' '.join(map(str, sizes))}\n"
        f"space directions: {directions}\nkinds: {kinds}\nendian: little\nencoding: raw\n\n".encode()
        + np.arange(120, dtype=f"<i{width}").tobytes()
    )
    return path


def test_axes_that_are_not_spatial_become_colour_channels_or_time(tmp_path):
    steps = "(1,0,0) (0,1,0) (0,0,2)"
    vector = read_nrrd(write_channels(tmp_path / "a.nrrd", "vector domain domain domain", f"none {steps}"))
    assert vector.channel_kind is ChannelKind.CHANNEL
    assert vector.data[:, 0, 0, 1].tolist() == [3, 4, 5]
    colour = write_channels(tmp_path / "b.nrrd", "RGB-color domain domain domain", f"none {steps}", dtype="uchar")
    assert read_nrrd(colour).channel_kind is ChannelKind.COLOUR
    time = read_nrrd(write_channels(tmp_path / "c.nrrd", "domain domain domain time", f"{steps} none"))
    assert time.channel_kind is ChannelKind.TIME
    assert time.data[1, 0, 0, 0] == 40
    steps = "(1,0,0,0) (0,1,0,0) (0,0,2,0) (0,0,0,5)"
    space = "left-posterior-superior-time"
    film = read_nrrd(write_channels(tmp_path / "d.nrrd", "domain domain domain domain", steps, space))
    assert film.channel_kind is ChannelKind.TIME
    assert film.geometry.spacing == (2, 1, 1)


@pytest.mark.parametrize("space", ["RAS", "LAS", "left-posterior-superior"])
def test_every_space_lies_where_simpleitk_puts_it(tmp_path, space):
    sitk = pytest.importorskip("SimpleITK")
    full = {"RAS": "right-anterior-superior", "LAS": "left-anterior-superior"}.get(space, space)
    path = save(tmp_path / "a.nrrd", full)
    ours, theirs = read_nrrd(path), sitk.ReadImage(str(path))
    for index in ((0, 0, 0), (2, 3, 4), (1, 0, 2)):
        there = theirs.TransformIndexToPhysicalPoint(index[::-1])
        assert np.allclose(ours.geometry.to_world(np.array(index)), there, atol=1e-6)


def write_slicer(path, layers):
    """Write what 3D Slicer 5 writes for two segments, which overlap where there are two layers."""
    n_layers = len(layers)
    fields = "".join(
        f"Segment{n}_ID:=Segment_{n + 1}\nSegment{n}_Name:={name}\nSegment{n}_Color:=0.5 0.25 1\n"
        f"Segment{n}_LabelValue:={value}\nSegment{n}_Layer:={layer}\nSegment{n}_Extent:=0 4 0 3 0 2\n"
        f"Segment{n}_Tags:=TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list~"
        f"SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~Anatomic codes - DICOM master list~^^~^^|\n"
        for n, (name, value, layer) in enumerate(layers)
    )
    n_channels = len({layer for _, _, layer in layers})
    data = np.zeros((3, 4, 5, n_channels), np.uint8)
    for number, (_, value, layer) in enumerate(layers):
        data[number, 1:3, 2, layer] = value
    sizes, kinds, none = (
        ("5 4 3", "domain domain domain", "")
        if n_channels == 1
        else (f"{n_channels} 5 4 3", "list domain domain domain", "none ")
    )
    path.write_bytes(
        f"NRRD0005\ntype: unsigned char\ndimension: {3 + (n_layers > 1 and n_channels > 1)}\n"
        f"space: left-posterior-superior\nsizes: {sizes}\n"
        f"space directions: {none}(0.5,0,0) (0,0.75,0) (0,0,3.5)\nkinds: {kinds}\nencoding: raw\n"
        f"space origin: (1,2,3)\n{fields}\n".encode() + data.tobytes()
    )  # fmt: skip
    return path


def test_segments_of_slicer_keep_name_colour_code_and_layer(tmp_path):
    path = write_slicer(tmp_path / "a.seg.nrrd", [("liver", 3, 0), ("tumour", 1, 1)])
    labels = read_entry(FileRef(path))
    first, second = labels.segmentations
    assert (first.schema.names, second.schema.names) == (("liver",), ("tumour",))
    assert first.schema.classes[0].colour == "#8040FF"
    assert first.schema.classes[0].code.value == "10200004"
    assert first.labels[0, 1, 2] == 3
    assert second.labels[1, 2, 2] == 1
    assert labels.origin == "file"


def test_segments_that_do_not_overlap_are_one_layer(tmp_path):
    labels = read_entry(FileRef(write_slicer(tmp_path / "a.seg.nrrd", [("liver", 1, 0), ("tumour", 2, 0)])))
    (only,) = labels.segmentations
    assert only.schema.names == ("liver", "tumour")
    assert only.count("tumour") == 2


PLAIN = """NRRD0004
type: {type}
dimension: 3
sizes: 5 4 3
{more}
encoding: {encoding}

"""


def save_plain(path, more, kind="short", encoding="raw", content=None):
    stored = np.arange(60, dtype="<i2").tobytes() if content is None else content
    path.write_bytes(PLAIN.format(type=kind, more=more, encoding=encoding).encode() + stored)
    return path


SPACE = "endian: little\nspace: LPS\nspace directions: (2,0,0) (0,3,0) (0,0,4)\nspace origin: (0,0,0)\n"


def test_units_that_differ_are_refused_and_unknown_ones_told(tmp_path):
    with pytest.raises(ReadError, match="different units"):
        read_nrrd(save_plain(tmp_path / "a.nrrd", SPACE + 'space units: "mm" "mm" "um"'))
    image = read_nrrd(save_plain(tmp_path / "b.nrrd", SPACE + 'space units: "fu" "fu" "fu"'))
    assert any("unit that is not known" in one for one in image.warnings)


def test_spacings_in_microns_become_millimetres(tmp_path):
    more = 'endian: little\nspacings: 2 3 4\nunits: "um" "um" "um"'
    assert read_nrrd(save_plain(tmp_path / "a.nrrd", more)).geometry.spacing == pytest.approx((0.004, 0.003, 0.002))


def test_unknown_order_of_bytes_is_told(tmp_path):
    image = read_nrrd(save_plain(tmp_path / "a.nrrd", SPACE.removeprefix("endian: little\n").strip()))
    assert any("order of its bytes" in one for one in image.warnings)


def test_a_field_that_contradicts_itself_is_refused(tmp_path):
    with pytest.raises(ReadError, match="twice"):
        read_nrrd(save_plain(tmp_path / "a.nrrd", SPACE + "sizes: 6 5 2"))


def test_packed_samples_have_no_end_to_count_from(tmp_path):
    packed = gzip.compress(b"abcd" + np.arange(60, dtype="<i2").tobytes())
    with pytest.raises(ReadError, match="byte skip"):
        read_nrrd(save_plain(tmp_path / "a.nrrd", SPACE + "byte skip: -1", encoding="gzip", content=packed))
