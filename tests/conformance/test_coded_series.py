"""Every voxel of every coded series comes through every door in its place, or the series is refused with numbers."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.read import read, read_image
from napari_medclf.testing.coded_check import EXACT_MM, View, judge, places_of
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import Expected, all_coded_series

READABLE = (Expected.EXACT, Expected.TOLERATED)
SERIES = {series.name: series for series in all_coded_series()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    home = tmp_path_factory.mktemp("coded")
    return {name: write_coded(series, home / name.replace(" ", "_")) for name, series in SERIES.items()}


@pytest.mark.parametrize("name", SERIES)
def test_no_voxel_is_silently_out_of_place(name, folders, doors, tmp_path):
    complaints = {}
    for door, enter in doors.items():
        scratch = tmp_path / door
        scratch.mkdir()
        seen = enter(folders[name], scratch)
        verdict = judge(SERIES[name], seen.views, seen.refusals)
        if verdict.complaint:
            complaints[door] = verdict.complaint
    assert complaints == {}


@pytest.mark.parametrize("name", [name for name, one in SERIES.items() if one.expected in READABLE])
def test_a_regular_series_is_read_as_one_image_a_stack(name, folders):
    report = read([folders[name]])
    assert [str(one) for one in report.refusals] == []
    assert len(report.images) == SERIES[name].n_images


@pytest.mark.parametrize(
    "name", ["4D by temporal position", "4D by trigger time", "enhanced 4D", "enhanced 4D shuffled"]
)
def test_times_become_one_axis(name, folders):
    (image,) = read([folders[name]]).images
    assert image.channel_kind is ChannelKind.TIME
    assert image.data.shape[0] == 3
    if name == "4D by trigger time":
        assert (image.channel_values, image.channel_unit) == ((120.0, 240.0, 360.0), "ms")


@pytest.mark.parametrize(
    "name", ["missing", "missing two", "uneven", "jitter 8 %", "enhanced missing", "enhanced uneven"]
)
def test_gaps_that_a_person_allows_leave_acquired_slices_in_place(name, folders):
    """Blank slices and resampled ones come between; where the acquired ones lie is told, and true."""
    series = SERIES[name]
    (refusal,) = read([folders[name]]).refusals
    assert refusal.ways
    for way in refusal.ways:
        image = read_image(way.path, way.member)
        assert image.warnings
        corners = [image.geometry.to_world(np.array([k, 0.0, 0.0])) for k in image.source.acquired_k]
        truth = sorted((plane.corner for plane in series.planes), key=lambda corner: corner[2])
        np.testing.assert_allclose(corners, truth, atol=EXACT_MM)
        rows = [round(k) for k in image.source.acquired_k if abs(k - round(k)) < 1e-6]
        places = places_of(View.of(image))[rows]
        samples = np.asarray(image.data)[rows]
        np.testing.assert_allclose(series.true_world(series.codes_of(samples)), places, atol=EXACT_MM)
