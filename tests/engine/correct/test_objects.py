from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError, OptionError
from napari_medclf.engine.correct.objects import merge_objects, next_number, split_at_waist, split_by_line

SPACING = (1.0, 0.5, 0.5)


@pytest.fixture
def cells() -> np.ndarray:
    """Two discs that grew together as object 4, and another object beside them."""
    row, column = np.indices((40, 60))
    made = np.zeros((1, 40, 60), dtype=np.uint16)
    made[0][(row - 20) ** 2 + (column - 18) ** 2 <= 11**2] = 4
    made[0][(row - 20) ** 2 + (column - 36) ** 2 <= 9**2] = 4
    made[0, 2:6, 50:58] = 9
    return made


def test_object_is_split_at_its_waist_and_the_larger_part_keeps_its_number(cells) -> None:
    found = split_at_waist(cells, (0, 20, 18), SPACING).applied(cells)
    assert found[0, 20, 14] == 4
    assert found[0, 20, 40] == 10
    border = np.flatnonzero(np.diff(found[0, 20].astype(int)))
    assert 26 <= border[1] <= 30  # the waist is at column 28
    assert ((found > 0) == (cells > 0)).all()
    assert (found == 9).sum() == 32


def test_round_object_has_no_waist(cells) -> None:
    with pytest.raises(OptionError, match="no waist"):
        split_at_waist(cells, (0, 4, 52), SPACING)


def test_line_cuts_an_object_where_it_is_drawn(cells) -> None:
    found = split_by_line(cells, [(0, 2, 24), (0, 38, 24)], 0).applied(cells)
    assert set(np.unique(found[0, :, 25:45])) == {0, 4}
    assert found[0, 20, 10] == 10
    assert ((found > 0) == (cells > 0)).all()


def test_diagonal_line_cuts_too(cells) -> None:
    found = split_by_line(cells, [(0, 0, 10), (0, 39, 45)], 0).applied(cells)
    assert len(np.unique(found)) == 4


def test_line_cuts_through_all_slices() -> None:
    block = np.zeros((6, 20, 30), dtype=np.uint8)
    block[1:5, 5:15, 5:25] = 1
    through = split_by_line(block, [(3, 0, 12), (3, 19, 12)], 0).applied(block)
    assert (through[1:5, 5:15, 5:11] == 2).all()
    assert (through[1:5, 5:15, 14:25] == 1).all()
    along = split_by_line(block, [(0, 10, 12), (5, 10, 12)], 1).applied(block)
    assert (along == through).all()


def test_line_that_does_not_cross_is_told(cells) -> None:
    with pytest.raises(OptionError, match="one piece"):
        split_by_line(cells, [(0, 20, 18), (0, 22, 20)], 0)
    with pytest.raises(OptionError, match="no object"):
        split_by_line(cells, [(0, 0, 0), (0, 0, 10)], 0)


def test_merged_objects_have_the_number_of_the_first(cells) -> None:
    found = merge_objects(cells, [(0, 4, 54), (0, 20, 36)]).applied(cells)
    assert set(np.unique(found)) == {0, 9}
    with pytest.raises(OptionError, match="one object at most"):
        merge_objects(cells, [(0, 20, 18), (0, 20, 36)])


def test_numbers_run_out() -> None:
    full = np.full((1, 2, 2), 255, dtype=np.uint8)
    with pytest.raises(GridError, match="no number left"):
        next_number(full)
