"""Touching objects come apart at the border that the network saw."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.instances.find import find_instances

_OUTPUT = OutputSpec(schema=LabelSchema.from_names(["cell"], first_value=1))


def _probabilities(line: str) -> np.ndarray:
    """One row of pixels: ``.`` background, ``o`` interior, ``|`` border."""
    channels = np.array([[symbol == kind for symbol in line] for kind in ".o|"], dtype=np.float32)
    return (0.9 * channels + 0.1 / 3)[:, None, None, :]


def test_border_parts_two_objects_and_belongs_to_them() -> None:
    objects = find_instances(_probabilities("..|ooo||oo|.."), _OUTPUT)
    assert objects.dtype == np.int32
    assert objects[0, 0].tolist() == [0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0]


def test_small_object_is_dropped_and_numbers_have_no_gaps() -> None:
    objects = find_instances(_probabilities("|o|..|oooo|.|o|"), _OUTPUT, min_object_vox=4)
    assert objects[0, 0].tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]


def test_border_without_an_interior_is_no_object() -> None:
    assert not find_instances(_probabilities("..||||.."), _OUTPUT).any()


def _drawn(interior: np.ndarray, is_object: np.ndarray) -> np.ndarray:
    """Probabilities (3, 1, J, I) of a network that is sure."""
    channels = np.stack([~is_object, interior, is_object & ~interior]).astype(np.float32)
    return (0.9 * channels + 0.1 / 3)[:, None]


def test_neighbours_whose_border_was_not_seen_come_apart_at_their_neck() -> None:
    j, i = np.mgrid[:30, :50]
    discs = [(j - 15) ** 2 + (i - middle) ** 2 for middle in (15, 32)]
    is_object = (discs[0] < 10**2) | (discs[1] < 10**2)
    interior = (discs[0] < 9**2) | (discs[1] < 9**2)  # they meet: no border between them
    objects = find_instances(_drawn(interior, is_object), _OUTPUT)[0]
    assert objects.max() == 2
    assert objects[15, 8] != objects[15, 38]
    assert np.array_equal(objects > 0, is_object)


def test_border_within_an_object_does_not_cut_it() -> None:
    j, i = np.mgrid[:30, :40]
    radius = (j - 14) ** 2 + (i - 18) ** 2
    interior = (radius < 10**2) & ~((abs(j - 14) < 2) & (abs(i - 18) < 6))
    assert find_instances(_drawn(interior, radius < 11**2), _OUTPUT).max() == 1


def test_ring_of_touching_objects_keeps_its_empty_middle() -> None:
    j, i = np.mgrid[:40, :44]
    radius = (j - 20) ** 2 + (i - 21) ** 2
    interior = (radius < 15**2) & (radius > 8**2)
    objects = find_instances(_drawn(interior, interior), _OUTPUT)[0]
    assert objects[20, 21] == 0
    assert objects[20, 9] > 0


@pytest.mark.parametrize(("is_3d", "n_objects"), [(False, 4), (True, 2)])
def test_slices_have_objects_of_their_own_unless_3d(is_3d: bool, n_objects: int) -> None:
    stack = np.concatenate([_probabilities("|oo|.|oo|"), _probabilities("|oo|.|oo|")], axis=1)
    objects = find_instances(stack, _OUTPUT, is_3d=is_3d)
    assert objects.max() == n_objects
    assert len(np.unique(objects)) == n_objects + 1


def test_two_channels_are_refused() -> None:
    with pytest.raises(CardError, match="from border need 3 channels, not 2"):
        find_instances(np.zeros((2, 1, 4, 4), dtype=np.float32), _OUTPUT)
