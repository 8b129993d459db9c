"""Features that are counted once are those that each model would have counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import tiny_trainings as tiny

from napari_medclf.domain.card import Task
from napari_medclf.domain.events import Warned
from napari_medclf.engine.classic.bench import flips_of, set_up
from napari_medclf.engine.classic.counted import choose_kinds, count_features
from napari_medclf.engine.classic.features.collect import KINDS
from napari_medclf.engine.classic.lineup import classic_network, line_up
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.settings import FitSettings
from napari_medclf.engine.train.validate import whole_answers

RECIPE = tiny.classify_recipe().model_copy(update={"mirror_axes": (1,)})
DRAFT = tiny.draft_of(Task.CLASSIFY, RECIPE)
TRAIN, VAL = tiny.shade_cases(20), tiny.shade_cases(10, first=100)


def _counted(cases):
    return tiny.finish(count_features(("first order", "hog"), cases, flips_of(RECIPE), "cpu"))[0]


def test_a_table_of_known_features_equals_one_that_counts_them(tmp_path):
    network = classic_network(DRAFT, features=("first order", "hog"))
    draft = DRAFT.model_copy(update={"network": network})
    known = _counted([*VAL, *TRAIN])
    tables = [
        tiny.finish(set_up(draft, RECIPE, TRAIN, VAL, FitSettings(tmp_path), counted))[0].table
        for counted in (None, known)
    ]
    assert np.array_equal(tables[0].train, tables[1].train)
    assert np.array_equal(tables[0].val, tables[1].val)


def test_answers_by_known_features_equal_those_of_the_finished_model(tmp_path):
    known = _counted([*TRAIN, *VAL])
    found = tiny.finish(line_up(DRAFT, RECIPE, TRAIN, VAL, FitSettings(tmp_path), counted=known))[0]
    fitted = tiny.finish(found.finish(found.best))[0]
    network = build_network(fitted.card.network)
    network.load_state_dict(fitted.state_dict)
    others = tiny.shade_cases(6, first=200)
    shown = tiny.finish(whole_answers(network.eval(), others, RECIPE, "cpu"))[0].numpy()
    told = found.bench.answers_to(found.best.best, _counted(others).of(others))
    np.testing.assert_allclose(told, shown, atol=1e-5)


def test_a_short_time_leaves_features_out_with_a_word():
    kinds, events = tiny.finish(choose_kinds(TRAIN, 1000, 2, limit_s=0))
    assert len(kinds) == 1
    (warning,) = (event.message for event in events if isinstance(event, Warned))
    assert all(kind in warning for kind in KINDS if kind not in kinds)


def test_a_line_up_within_no_time_still_has_one_model(tmp_path):
    settings = replace(FitSettings(tmp_path), max_minutes=1e-9)
    found, _ = tiny.finish(line_up(DRAFT, RECIPE, TRAIN, VAL, settings))
    assert len(found.entrants) == 1
    assert len(found.bench.draft.network.arguments["features"]) == 1
