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


@pytest.mark.parametrize(("is_3d", "n_objects"), [(False, 4), (True, 2)])
def test_slices_have_objects_of_their_own_unless_3d(is_3d: bool, n_objects: int) -> None:
    stack = np.concatenate([_probabilities("|oo|.|oo|"), _probabilities("|oo|.|oo|")], axis=1)
    objects = find_instances(stack, _OUTPUT, is_3d=is_3d)
    assert objects.max() == n_objects
    assert len(np.unique(objects)) == n_objects + 1


def test_two_channels_are_refused() -> None:
    with pytest.raises(CardError, match="from border need 3 channels, not 2"):
        find_instances(np.zeros((2, 1, 4, 4), dtype=np.float32), _OUTPUT)
