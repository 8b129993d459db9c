from __future__ import annotations

import pytest
import torch

from napari_medclf.engine.augment.mix import cut_mix, mix_up, paste_objects


def generator(seed: int = 5) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def flat_images(*shape: int) -> torch.Tensor:
    """Images whose every sample is their number."""
    return torch.arange(float(shape[0])).view(-1, *([1] * (len(shape) - 1))).expand(shape).clone()


def test_mixup_blends_images_and_targets_by_the_same_part():
    batch = torch.stack([torch.full((1, 4, 4), float(n)) for n in range(4)])
    targets = torch.eye(4)
    mixed, soft = mix_up(batch, targets, 0.4, generator())
    expected = (soft * torch.arange(4.0)).sum(1)
    torch.testing.assert_close(mixed[:, 0, 0, 0], expected)
    torch.testing.assert_close(soft.sum(1), torch.ones(4))
    assert (soft.diagonal() >= 0.5 - 1e-6).all()


@pytest.mark.parametrize("shape", [(4, 1, 20, 28), (4, 2, 8, 12, 10)])
def test_cutmix_mixes_targets_by_the_part_of_the_image_that_was_pasted(shape):
    batch, targets = flat_images(*shape), torch.eye(4)
    mixed, soft = cut_mix(batch, targets, 1.0, generator())
    torch.testing.assert_close((soft * torch.arange(4.0)).sum(1), mixed.flatten(1).mean(1))
    torch.testing.assert_close(soft.sum(1), torch.ones(4))
    assert ((mixed == batch) | (mixed == mixed.round())).all()
    assert not torch.equal(mixed, batch)


def test_cutmix_pastes_a_box_of_the_same_place():
    batch = torch.rand(2, 1, 16, 24, generator=generator(1))
    batch = torch.cat([batch, batch + 10])
    mixed, _ = cut_mix(batch, torch.eye(4), 1.0, generator(2))
    for number in range(4):
        others = torch.stack([(mixed[number] == one).all(0) for one in batch])
        assert others.any(0).all()


def test_pasted_objects_bring_their_image_labels_and_weight():
    images = flat_images(3, 1, 8, 12)
    labels = torch.zeros(3, 8, 12, dtype=torch.uint8)
    labels[0, 1:3, 2:5], labels[1, 4:6, 6:9], labels[2, 6:8, 1:3] = 1, 2, 3
    weight = flat_images(3, 8, 12) + 1
    mixed, marks, weights = paste_objects(images, labels, weight, 1.0, generator())
    for number in range(3):
        donors = set(marks[number].unique().tolist()) - {0, number + 1}
        assert len(donors) == 1
        donor = donors.pop() - 1
        is_pasted = marks[number] == donor + 1
        assert torch.equal(is_pasted, labels[donor] > 0)
        assert (mixed[number, 0][is_pasted] == donor).all()
        assert (weights[number][is_pasted] == donor + 1).all()
        assert (mixed[number, 0][~is_pasted] == number).all()


def test_a_batch_of_one_patch_has_nothing_to_paste():
    images, labels, weight = torch.rand(1, 1, 4, 4), torch.ones(1, 4, 4), torch.ones(1, 4, 4)
    assert paste_objects(images, labels, weight, 1.0, generator()) == (images, labels, weight)
