from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.header import read_headers
from napari_medclf.io.dicom.pixels import planes as planes_module
from napari_medclf.io.dicom.pixels.planes import Plane, fetch, planes_of
from napari_medclf.io.dicom.pixels.samples import read_gray

FRAMES = 5


@pytest.fixture
def write_frames(tmp_path, phantom, write_series):
    """Write one file of five frames, frame n filled with n; packed by a function, or not."""

    def write(syntax="1.2.840.10008.1.2.1", pack=None, tail=b""):
        from pydicom.encaps import encapsulate

        frames = [np.full((20, 28), 100 + n, np.uint16) for n in range(FRAMES)]
        frames[3][4, 5] = 3000

        def edit(dataset, k):
            dataset.Modality, dataset.NumberOfFrames = "XA", FRAMES
            plain = b"".join(frame.tobytes() for frame in frames)
            dataset.PixelData = (plain if pack is None else encapsulate([pack(frame) for frame in frames])) + tail
            dataset["PixelData"].VR = "OW" if pack is None else "OB"
            dataset.RescaleIntercept = 0
            return k == 0

        return next(write_series(tmp_path / "film", phantom, edit, syntax=syntax).iterdir())

    return write


def j2k(gray):
    import imagecodecs

    return imagecodecs.jpeg2k_encode(gray, level=0, reversible=True, codecformat="j2k", bitspersample=12)


PACKINGS = [
    ("1.2.840.10008.1.2.1", None),
    ("1.2.840.10008.1.2.1.99", None),
    ("1.2.840.10008.1.2.4.90", j2k),
]


def values(planes):
    found = {}

    def put(n, stored):
        found[n] = (int(stored[0, 0]), int(stored[4, 5]))

    fetch(planes, put)
    return [found[n] for n in range(len(planes))]


@pytest.mark.parametrize(("syntax", "pack"), PACKINGS)
def test_frames_come_in_the_order_that_is_asked(write_frames, syntax, pack):
    (header,) = read_headers(write_frames(syntax, pack))
    assert values(planes_of([header])) == [(100, 100), (101, 101), (102, 102), (103, 3000), (104, 104)]
    some = [replace(header, frame=number) for number in (4, 1, 5)]
    assert values(planes_of(some)) == [(103, 3000), (100, 100), (104, 104)]
    assert read_gray(some, [])[0, 4, 5] == 3000


@pytest.mark.parametrize(("syntax", "pack"), [PACKINGS[0], PACKINGS[2]])
def test_every_file_is_opened_once(write_frames, monkeypatch, syntax, pack):
    (header,) = read_headers(write_frames(syntax, pack))
    opened = []
    original = planes_module._open
    monkeypatch.setattr(planes_module, "_open", lambda path: opened.append(path) or original(path))
    values(planes_of([replace(header, frame=number) for number in (3, 1, 2)]))
    assert opened == [header.path]


def test_padding_behind_the_samples_is_left_alone(write_frames):
    (header,) = read_headers(write_frames(tail=b"\xff" * 8))
    assert values(planes_of([header]))[-1] == (104, 104)


def test_frame_that_is_not_there_is_refused(write_frames):
    (header,) = read_headers(write_frames())
    with pytest.raises(ReadError, match=r"frame 7 has 0 of 1120 bytes"):
        fetch([Plane(header, 6)], lambda n, stored: None)


def test_first_damaged_frame_ends_the_reading_of_many(tmp_path, phantom, write_series, monkeypatch):
    from pydicom.encaps import encapsulate

    monkeypatch.setattr(planes_module, "_WORTH_A_POOL_BYTES", 0)
    monkeypatch.setattr(planes_module, "n_cores", lambda: 2)

    def edit(dataset, k):
        packed = bytes(j2k(np.full((20, 28), k, np.uint16)))
        dataset.PixelData = encapsulate([packed if k != 4 else packed[:80]])
        dataset["PixelData"].VR = "OB"

    folder = write_series(tmp_path / "ct", phantom, edit, syntax="1.2.840.10008.1.2.4.90")
    headers = [header for path in sorted(folder.iterdir()) for header in read_headers(path)]
    damaged = next(header.path for header in headers if header.path.name.endswith("-4"))
    with pytest.raises(ReadError, match=f"{damaged.name}.*JPEG 2000"):
        read_gray(headers, [])
    whole = [header for header in headers if header.path != damaged]
    assert sorted(int(plane[0, 0]) for plane in read_gray(whole, [])) == [
        k - 1024 for k in range(phantom.data.shape[0]) if k != 4
    ]


def test_float_samples_come_as_they_are(shared_data):
    for name, dtype in (("parametric_map_float.dcm", np.float32), ("parametric_map_double_float.dcm", np.float64)):
        path = shared_data / "dicom_zoo" / "single_files" / name
        pixels = _layout(path)
        assert pixels.is_float
        found = {}
        fetch(planes_of([_Bare(path, pixels)]), found.__setitem__)
        stored = np.stack([found[n] for n in range(len(found))])
        assert stored.dtype == dtype
        assert np.array_equal(stored.reshape(-1), pydicom.dcmread(path).pixel_array.reshape(-1))


@pytest.mark.parametrize("name", ["rtdose_expb.dcm", "rtdose_rle.dcm", "SC_rgb_small_odd.dcm"])
def test_stored_samples_equal_those_of_pydicom(name):
    path = Path(pydicom.data.get_testdata_file(name))
    found = {}
    fetch(planes_of([_Bare(path, _layout(path))]), found.__setitem__)
    stored = np.stack([found[n] for n in range(len(found))])
    expected = pydicom.dcmread(path).pixel_array
    assert stored.dtype.isnative
    assert np.array_equal(stored, expected.reshape(stored.shape))


class _Bare:
    """The part of a header that says how samples are stored; the whole one is refused for these objects."""

    frame = None

    def __init__(self, path, pixels):
        self.path, self.pixels = path, pixels


def _layout(path):
    from napari_medclf.io.dicom.layout import read_layout

    with path.open("rb") as file:
        return read_layout(path, pydicom.dcmread(file, stop_before_pixels=True), file, path.stat().st_size)
