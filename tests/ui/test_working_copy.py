from dataclasses import replace

import numpy as np

from napari_medclf.domain.results import Prediction
from napari_medclf.testing.phantoms import brain_phantom
from napari_medclf.ui.working_copy import WorkingCopies, WorkingCopy

PHANTOM = brain_phantom()


def painted() -> WorkingCopy:
    labels = PHANTOM.truth.labels.copy()
    labels[3, 4, 5] = 2
    base = Prediction("hippocampus", "1.0", "brain", segmentation=PHANTOM.truth)
    return WorkingCopy(replace(PHANTOM.truth, labels=labels), base)


def test_painting_and_what_it_began_with_come_back(tmp_path) -> None:
    copies, copy = WorkingCopies(tmp_path), painted()
    copies.save(PHANTOM.image, copy)
    found = copies.load(PHANTOM.image)
    assert np.array_equal(found.segmentation.labels, copy.segmentation.labels)
    assert found.segmentation.schema == PHANTOM.truth.schema
    assert found.base.model == "hippocampus"
    assert np.count_nonzero(found.segmentation.labels != found.base.segmentation.labels) == 1


def test_another_image_has_no_copy(tmp_path) -> None:
    copies = WorkingCopies(tmp_path)
    copies.save(PHANTOM.image, painted())
    assert copies.load(replace(PHANTOM.image, name="another")) is None


def test_damaged_copy_does_not_keep_the_image_from_opening(tmp_path) -> None:
    copies = WorkingCopies(tmp_path)
    copies.save(PHANTOM.image, painted())
    path = copies.path(PHANTOM.image)
    path.write_bytes(path.read_bytes()[:100])
    assert copies.load(PHANTOM.image) is None


def test_accepted_copy_is_removed(tmp_path) -> None:
    copies = WorkingCopies(tmp_path)
    copies.save(PHANTOM.image, painted())
    copies.remove(PHANTOM.image)
    assert copies.load(PHANTOM.image) is None
    assert list(tmp_path.iterdir()) == []
