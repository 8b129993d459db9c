import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Unit
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
    header = "\n".join(line for line in HEADER.splitlines() if not line.startswith("space")) + "\n\n"
    image = read_nrrd(save(tmp_path / "a.nrrd", header=header))
    assert image.geometry.unit is Unit.PIXEL
    assert "no place in the patient" in image.warnings[0]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("encoding: raw", "encoding: bzip2", "bzip2"),
        ("sizes: 5 4 3", "sizes: 5 4 300", "truncated"),
        ("type: short", "type: block", "'block'"),
        ("encoding: raw", "encoding: raw\ndata file: elsewhere.raw", "another file"),
        ("(0,0,3.5)", "(0,0,0)", "singular"),
        ("(0,0,3.5)", "(0,0,nan)", "finite"),
        ("left-posterior-superior", "scanner-xyz", "scanner-xyz"),
        ("sizes: 5 4 3\n", "", "sizes"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path, old, new, reason):
    header = HEADER.format(space="left-posterior-superior").replace(old, new)
    with pytest.raises(ReadError, match=reason):
        read_nrrd(save(tmp_path / "a.nrrd", header=header))
