from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from tiny_trainings import classify_recipe, segment_recipe, shade_cases, square_cases

from napari_medclf.domain.results import Sample
from napari_medclf.engine.augment.sampler import ImageSampler, PatchSampler, balanced_chances
from napari_medclf.engine.train.cases import TrainCase


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def classes_of(cases: list[TrainCase]) -> torch.Tensor:
    return torch.eye(2)[[int(case.sample.target) for case in cases]]


def test_patches_carry_their_labels():
    recipe = segment_recipe(samples_per_epoch=8)
    for batch in PatchSampler(square_cases(3), recipe).batches(generator()):
        assert batch.images.shape == (2, 1, 32, 32)
        is_bright = batch.images[:, 0] > 0.5
        assert torch.equal(is_bright, batch.targets == 1)


def test_foreground_patches_meet_a_tiny_structure():
    image = np.zeros((1, 400, 400), np.float32)
    target = np.zeros((400, 400), np.int64)
    target[390, 7] = 1
    case = TrainCase("dot", "dot", Sample(image, target))
    always = PatchSampler([case], segment_recipe(samples_per_epoch=20, foreground=1.0)).batches(generator())
    assert all((batch.targets == 1).flatten(1).any(1).all() for batch in always)
    never = PatchSampler([case], segment_recipe(samples_per_epoch=20, foreground=0.0)).batches(generator())
    assert sum(int(batch.targets.sum()) for batch in never) < 3


def test_voxels_beyond_the_image_weigh_nothing():
    case = TrainCase("small", "small", Sample(np.ones((1, 20, 44), np.float32), np.ones((20, 44), np.int64)))
    batch = next(PatchSampler([case], segment_recipe()).batches(generator()))
    assert batch.weight.sum(dim=(1, 2)).tolist() == [20 * 32, 20 * 32]
    assert torch.equal(batch.weight > 0, batch.images[:, 0] > 0.5)


def test_weight_mask_of_a_correction_moves_with_its_voxels():
    case = square_cases(1)[0]
    weight = np.where(case.sample.target == 1, 5.0, 1.0).astype(np.float32)
    corrected = replace(case, sample=replace(case.sample, weight=weight))
    recipe = segment_recipe(augment={"rotate_deg": 45, "affine_probability": 1.0})
    batch = next(PatchSampler([corrected], recipe).batches(generator()))
    inside = batch.weight > 0
    assert torch.equal((batch.weight == 5.0)[inside], (batch.targets == 1)[inside])


def test_every_case_comes_once_an_epoch():
    recipe = classify_recipe(batch=4)
    cases = shade_cases(12)
    drawn = torch.cat([batch.images for batch in ImageSampler(cases, recipe, classes_of(cases)).batches(generator())])
    expected = torch.from_numpy(np.stack([case.sample.image for case in cases]))
    nearest = (drawn[:, None] - expected[None]).abs().amax((2, 3, 4)).argmin(1)
    assert sorted(nearest.tolist()) == list(range(12))


def test_balance_draws_a_rare_class_as_often():
    rare = [case for case in shade_cases(200) if int(case.sample.target) == 0 or case.case_id.endswith("7")]
    share = {}
    for balance in (0.0, 1.0):
        recipe = classify_recipe(batch=50, samples_per_epoch=2000, balance=balance)
        chances = balanced_chances(classes_of(rare), balance)
        batches = ImageSampler(rare, recipe, classes_of(rare), chances).batches(generator())
        share[balance] = float(torch.cat([batch.targets for batch in batches])[:, 1].mean())
    assert abs(share[0.0] - 20 / 120) < 0.01
    assert abs(share[1.0] - 0.5) < 0.05


def test_same_generator_gives_the_same_epoch_and_the_next_another():
    sampler = PatchSampler(square_cases(4), segment_recipe(augment={"rotate_deg": 20, "noise_sd": 0.1}))
    first, again, other = (
        torch.cat([batch.images for batch in sampler.batches(generator(seed))]) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_volume_is_cropped_in_three_dimensions():
    image = np.random.default_rng(0).normal(size=(1, 12, 20, 28)).astype(np.float32)
    case = TrainCase("solid", "solid", Sample(image, np.zeros((12, 20, 28), np.int64)))
    recipe = segment_recipe()
    spec = recipe.input.model_copy(update={"spatial_dims": 3, "patch_vox": (8, 16, 16)})
    batch = next(PatchSampler([case], recipe.model_copy(update={"input": spec})).batches(generator()))
    assert batch.images.shape == (2, 1, 8, 16, 16)
    assert batch.weight.min() == 1


def test_case_with_several_classes_counts_as_its_rarest_and_one_with_none_as_a_class_of_its_own():
    targets = torch.tensor([[1.0, 0.0]] * 8 + [[1.0, 1.0]] + [[0.0, 0.0]] * 2)
    chances = balanced_chances(targets, 1.0)
    torch.testing.assert_close(chances, torch.tensor([1 / 9] * 8 + [1.0] + [0.5] * 2))
    assert balanced_chances(targets, 0.0) is None


def test_objects_of_another_patch_are_pasted_with_their_labels():
    recipe = segment_recipe(samples_per_epoch=40, batch=4, augment={"copy_paste_probability": 1.0})
    plain = recipe.model_copy(update={"augment": recipe.augment.model_copy(update={"copy_paste_probability": 0.0})})
    counts = {}
    for name, one in (("pasted", recipe), ("plain", plain)):
        batches = list(PatchSampler(square_cases(6), one).batches(generator()))
        assert all(torch.equal(batch.images[:, 0] > 0.5, batch.targets == 1) for batch in batches)
        counts[name] = sum(int(batch.targets.sum()) for batch in batches)
    assert counts["pasted"] > 1.2 * counts["plain"]
