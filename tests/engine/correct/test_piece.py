from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_medclf.domain.errors import GridError, OptionError
from napari_medclf.engine.correct.piece import fill_holes, fill_piece, keep_piece, piece_at


@pytest.fixture
def labels() -> np.ndarray:
    made = np.zeros((12, 60, 84), dtype=np.uint8)
    made[2:10, 5:50, 5:70] = 1  # larger than the first look
    made[4:6, 20:30, 20:30] = 0  # a cavity
    made[2:4, 52:58, 75:82] = 1
    made[5, 2, 2] = 2
    return made


def test_piece_is_the_connected_component_of_scipy(labels) -> None:
    box, mask = piece_at(labels, (3, 10, 10))
    numbers, _ = ndimage.label(labels == 1)
    found = np.zeros(labels.shape, dtype=bool)
    found[box] = mask
    assert (found == (numbers == numbers[3, 10, 10])).all()


def test_piece_in_a_slice_stays_there(labels) -> None:
    box, mask = piece_at(labels, (3, 10, 10), axis=0)
    assert box[0] == slice(3, 4)
    assert mask.sum() == (labels[3, :51, :71] == 1).sum()


def test_erased_piece_is_gone_and_the_other_is_not(labels) -> None:
    found = fill_piece(labels, (3, 10, 10), 0).applied(labels)
    assert not found[2:10, 5:50, 5:70].any()
    assert (found[2:4, 52:58, 75:82] == 1).all()


def test_closed_background_is_filled_and_open_background_refused(labels) -> None:
    assert (fill_piece(labels, (4, 25, 25), 3).applied(labels)[4:6, 20:30, 20:30] == 3).all()
    with pytest.raises(OptionError, match="Nothing encloses"):
        fill_piece(labels, (0, 0, 0), 3)


def test_hole_that_is_closed_in_its_slice_only_is_filled_there(labels) -> None:
    labels[:, 20:30, 20:30] = 0  # a tunnel
    with pytest.raises(OptionError, match="Nothing encloses"):
        fill_piece(labels, (4, 25, 25), 1)
    assert (fill_piece(labels, (4, 25, 25), 1, axis=0).applied(labels)[4, 20:30, 20:30] == 1).all()


def test_only_the_piece_under_the_cursor_is_kept(labels) -> None:
    found = keep_piece(labels, (3, 54, 78)).applied(labels)
    assert (found == 1).sum() == 2 * 6 * 7
    assert found[5, 2, 2] == 2


def test_holes_are_filled(labels) -> None:
    assert (fill_holes(labels, (3, 10, 10)).applied(labels)[2:10, 5:50, 5:70] == 1).all()


def test_holes_closed_only_within_slices_are_filled_slice_by_slice(labels) -> None:
    labels[:, 20:30, 20:30] = 0
    assert len(fill_holes(labels, (3, 10, 10))) == 0
    assert (fill_holes(labels, (3, 10, 10), axis=0).applied(labels)[2:10, 20:30, 20:30] == 1).all()


def test_nothing_under_the_cursor_is_said(labels) -> None:
    with pytest.raises(OptionError, match="no label"):
        keep_piece(labels, (0, 0, 0))
    with pytest.raises(GridError, match="no voxel"):
        piece_at(labels, (99, 0, 0))
