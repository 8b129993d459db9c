from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from tiny_trainings import classify_recipe, shade_cases

from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.recipe import Way
from napari_medclf.domain.results import Sample
from napari_medclf.engine.auto.ways import plan_members, split_into_folds


def patients(n_groups, n_cases, part_positive):
    """Cases of patients who have several each, some of them positive."""
    random = np.random.default_rng(7)
    cases = shade_cases(n_cases)
    return [
        replace(
            case,
            group_id=f"patient-{random.integers(n_groups)}",
            sample=Sample(case.sample.image, np.asarray(int(random.random() < part_positive))),
        )
        for case in cases
    ]


def test_every_case_is_validated_on_once_and_no_patient_is_torn():
    cases = patients(23, 90, 0.3)
    folds = split_into_folds(cases, 5, seed=1)
    validated = [case.case_id for _, val in folds for case in val]
    assert sorted(validated) == sorted(case.case_id for case in cases)
    for train, val in folds:
        assert not {case.group_id for case in train} & {case.group_id for case in val}
        assert len(train) + len(val) == len(cases)


def test_folds_keep_the_classes_in_proportion():
    cases = [replace(case, group_id=case.case_id) for case in patients(1, 200, 0.2)]
    for _, val in split_into_folds(cases, 5, seed=0):
        positive = Counter(int(case.sample.target) for case in val)[1] / len(val)
        assert positive == pytest.approx(np.mean([int(case.sample.target) for case in cases]), abs=0.03)


def test_the_seed_decides_the_folds():
    cases = [replace(case, group_id=case.case_id) for case in patients(1, 40, 0.5)]
    ids = [[[one.case_id for one in val] for _, val in split_into_folds(cases, 4, seed)] for seed in (0, 0, 1)]
    assert ids[0] == ids[1] != ids[2]


def test_more_folds_than_patients_are_refused():
    with pytest.raises(DatasetError, match="3 patients"):
        split_into_folds(patients(3, 30, 0.5), 5, seed=0)


def test_folds_use_validation_cases_too():
    plans = plan_members(Way.FOLDS, 3, classify_recipe(), shade_cases(9), shade_cases(3, first=100), seed=0)
    assert [plan.name for plan in plans] == ["fold-1", "fold-2", "fold-3"]
    assert {len(plan.train) + len(plan.val) for plan in plans} == {12}
