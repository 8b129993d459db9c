"""Every voxel of every coded series comes through every door in its place, or the series is refused with numbers."""

from __future__ import annotations

import pytest

from napari_medclf.testing.coded_check import judge
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import all_coded_series

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
