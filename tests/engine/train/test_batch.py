from __future__ import annotations

import torch

from napari_medclf.engine.train.batch import Batch


def test_images_take_the_layout_and_all_else_the_device():
    batch = Batch(torch.zeros(2, 3, 4, 5), torch.ones(2, 4, 5).long(), torch.ones(2, 4, 5))
    moved = batch.to("cpu", torch.channels_last)
    assert moved.images.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(moved.targets, batch.targets)
    assert batch.to("meta").weight.device.type == "meta"


def test_boxes_of_every_image_are_moved():
    batch = Batch(torch.zeros(2, 1, 4, 5), [{"boxes": torch.zeros(3, 4)}, {"boxes": torch.zeros(0, 4)}])
    moved = batch.to("meta")
    assert [one["boxes"].device.type for one in moved.targets] == ["meta", "meta"]
    assert moved.weight is None
