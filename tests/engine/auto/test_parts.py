from __future__ import annotations

from dataclasses import replace

import pytest
from tiny_trainings import shade_cases

from napari_medclf.engine.auto.parts import is_whole, judged_by, places_of, plan_parts

TRAIN, VAL = shade_cases(16), shade_cases(8, first=100)


def test_every_case_is_held_back_once_and_learned_from_elsewhere():
    parts = plan_parts(TRAIN, VAL, 10, seed=0)
    assert len(parts) == 5
    assert is_whole(parts)
    assert sorted(case.case_id for case in judged_by(parts)) == sorted(case.case_id for case in (*TRAIN, *VAL))
    for part in parts:
        assert not {case.group_id for case in part.learned} & {case.group_id for case in part.held}
        assert len(part.learned) + len(part.held) == 24


@pytest.mark.parametrize("n_networks", [1, 2])
def test_without_time_for_three_networks_the_split_stays_as_it_is(n_networks):
    (only,) = parts = plan_parts(TRAIN, VAL, n_networks, seed=0)
    assert (only.learned, only.held) == (TRAIN, VAL)
    assert not is_whole(parts)


def test_few_patients_are_not_split():
    few = [replace(case, group_id=f"patient-{number % 5}") for number, case in enumerate(TRAIN)]
    assert len(plan_parts(few, [], 10, seed=0)) == 1


def test_a_class_with_one_case_is_not_missing_from_what_a_network_learns():
    rare = [
        replace(case, sample=replace(case.sample, target=1 if number == 3 else 0)) for number, case in enumerate(TRAIN)
    ]
    assert len(plan_parts(rare, VAL[:0], 10, seed=0)) == 1


def test_places_are_found_by_name():
    assert places_of(VAL[2:4], [*TRAIN, *VAL]) == [18, 19]
