"""Labels find the image that they were made for by its identifiers, and never by chance."""

from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.derived import Reference
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import Source
from napari_medclf.io.derived.source_grid import SourceGrid, find_grid, find_grids


def grid(series, uids, frames=(), frame_of_reference="9.1"):
    geometry = Geometry(np.diag([3.0, 2.0, 1.0, 1.0]), (max(len(uids), 1), 4, 5), frame_of_reference)
    source = Source(Path(), series_uid=series, sop_instance_uids=uids, frame_numbers=frames)
    return SourceGrid(geometry, source, series)


FIRST = grid("1.1", ("1.1.1", "1.1.2", "1.1.3"))
SECOND = grid("1.2", ("1.2.1", "1.2.2"))


def test_instances_decide_before_the_series():
    reference = Reference(series_uid="1.2", sop_instance_uids=("1.1.3",))
    assert find_grid(reference, [FIRST, SECOND]) is FIRST


def test_most_instances_win():
    other = grid("1.1", ("1.1.1",))
    reference = Reference(sop_instance_uids=("1.1.1", "1.1.2"))
    assert find_grid(reference, [other, FIRST]) is FIRST


def test_stacks_that_share_their_instance_are_all_candidates():
    stacks = [grid("1.3", ("1.3.1",) * 2, frames) for frames in ((1, 2), (3, 4))]
    assert find_grids(Reference(sop_instance_uids=("1.3.1",)), [FIRST, *stacks]) == stacks


def test_two_images_of_the_named_series_leave_it_open():
    assert find_grid(Reference(series_uid="1.1"), [FIRST, grid("1.1", ("1.1.7",))]) is None


def test_series_decides_where_no_instance_is_known():
    assert find_grid(Reference(series_uid="1.2", sop_instance_uids=("7",)), [FIRST, SECOND]) is SECOND


def test_frame_of_reference_decides_only_for_a_single_image():
    reference = Reference(frame_of_reference_uid="9.1")
    assert find_grid(reference, [FIRST]) is FIRST
    assert find_grid(reference, [FIRST, SECOND]) is None


@pytest.mark.parametrize("reference", [Reference(), Reference(series_uid="5"), Reference(frame_of_reference_uid="5")])
def test_nothing_in_common_finds_nothing(reference):
    assert find_grid(reference, [FIRST, SECOND]) is None


def test_a_slice_is_found_by_its_instance():
    assert FIRST.find_slice("1.1.2") == 1
    assert FIRST.find_slice("1.1.2", 1) == 1  # frame 1 of a single-frame file is that file
    assert FIRST.find_slice("1.2.1") is None


def test_a_frame_of_a_multi_frame_object_is_found_by_its_number():
    shuffled = grid("1.3", ("1.3.1",) * 3, frames=(2, 3, 1))
    assert [shuffled.find_slice("1.3.1", n) for n in (1, 2, 3)] == [2, 0, 1]
    assert shuffled.find_slice("1.3.1") is None
