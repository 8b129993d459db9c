"""Where two objects touch counts more, in learning only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from tiny_trainings import segment_recipe, square_cases

from napari_medclf.domain.recipe import LossSettings
from napari_medclf.engine.train.objectives.instances import Instances


def touching_cases(n, seed=0):
    """Each square cut into two objects."""
    cases = []
    for case in square_cases(n, seed):
        objects = np.asarray(case.sample.target).astype(np.int64)
        rows = np.nonzero(objects.any(axis=1))[0]
        objects[: rows[len(rows) // 2]] *= 2
        cases.append(replace(case, sample=replace(case.sample, target=objects)))
    return cases


def batch_of(touching_weight):
    recipe = segment_recipe(loss=LossSettings(touching_weight=touching_weight))
    learned = Instances(recipe, touching_cases(3), touching_cases(2, 100))
    return next(learned.batches(torch.Generator().manual_seed(0)))


def test_borders_between_touching_objects_count_as_the_recipe_says():
    plain, weighted = batch_of(1.0), batch_of(6.0)
    assert set(plain.weight.unique().tolist()) <= {0.0, 1.0}
    assert set(weighted.weight.unique().tolist()) <= {0.0, 1.0, 6.0}
    assert (weighted.weight == 6).any()
    assert torch.equal(weighted.targets, plain.targets)
    assert torch.equal(weighted.weight > 0, plain.weight > 0)


def test_what_a_person_painted_counts_still_more_there():
    case = touching_cases(1)[0]
    painted = np.full(np.asarray(case.sample.target).shape, 5, np.float32)
    case = replace(case, sample=replace(case.sample, weight=painted))
    recipe = segment_recipe(loss=LossSettings(touching_weight=2.0))
    batch = next(Instances(recipe, [case], [case]).batches(torch.Generator().manual_seed(0)))
    assert {5.0, 10.0} <= set(batch.weight.unique().tolist()) <= {0.0, 5.0, 10.0}
