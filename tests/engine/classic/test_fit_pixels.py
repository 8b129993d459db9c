"""A pixel forest learns to outline, and comes back from its card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_trainings as tiny
import torch
from sklearn.ensemble import RandomForestClassifier

from napari_medclf.domain.card import NetworkSpec, Task
from napari_medclf.domain.errors import CardError, DatasetError
from napari_medclf.domain.events import EpochDone
from napari_medclf.engine.classic.heads.problem import Aim, Problem
from napari_medclf.engine.classic.heads.trees import fit_forest
from napari_medclf.engine.classic.pixel_forest import PixelForest
from napari_medclf.engine.fingerprint import check_fingerprint, compute_fingerprint
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.recipes.classic import PIXEL_FOREST
from napari_medclf.engine.train.learn import learn
from napari_medclf.engine.train.settings import FitSettings

_ARGUMENTS = {
    "spatial_dims": 2, "in_channels": 1, "out_channels": 2, "scales_vox": [1, 2], "n_trees": 8, "smallest_leaf": 3,
    "deepest": 8, "n_samples": 4000, "prior": [0.5, 1.0],
}  # fmt: skip


def _fit(folder: Path, train=None, **settings):
    recipe = tiny.segment_recipe(samples_per_epoch=8)
    recipe = recipe.model_copy(update={"network": NetworkSpec(target=PIXEL_FOREST, arguments=_ARGUMENTS)})
    draft = tiny.draft_of(Task.SEGMENT, recipe)
    cases = tiny.square_cases(5) if train is None else train
    return tiny.finish(learn(draft, recipe, cases, tiny.square_cases(2, 100), FitSettings(folder, **settings)))


def test_squares_are_outlined_and_the_forest_comes_back(tmp_path: Path) -> None:
    fitted, events = _fit(tmp_path)
    assert fitted.val_metrics["val/dice/square"] > 0.9
    assert [event.n_epochs for event in events if isinstance(event, EpochDone)] == [2, 2]
    assert fitted.card.network.arguments["prior"] in (0.5, 1.0)
    network = build_network(fitted.card.network).eval()
    network.load_state_dict(fitted.state_dict)
    case = tiny.square_cases(1, 300)[0].sample
    logits = network(torch.from_numpy(case.image)[None])
    assert logits.shape == (1, 2, 36, 44)
    found = logits.argmax(1)[0].numpy()
    both = (found & case.target).sum()
    assert 2 * both / (found.sum() + case.target.sum()) > 0.9
    card = fitted.card.model_copy(update={"fingerprint": compute_fingerprint(fitted.card, network)})
    check_fingerprint(card, network)


def test_same_seed_grows_the_same_forest(tmp_path: Path) -> None:
    first, again = (_fit(tmp_path, seed=3)[0].state_dict for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_time_limit_leaves_one_prior(tmp_path: Path) -> None:
    assert len(_fit(tmp_path, max_minutes=1e-9)[0].history) == 1


def test_empty_images_are_refused(tmp_path: Path) -> None:
    cases = tiny.square_cases(3)
    for case in cases:
        case.sample.target[:] = 0
    with pytest.raises(DatasetError, match="one class only"):
        _fit(tmp_path, train=cases)


def test_forest_of_limited_depth_is_scikit_learns() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(300, 5)).astype(np.float32)
    classes = (features[:, 0] * features[:, 1] > 0).astype(int)
    head = fit_forest(Problem(features, np.eye(2, dtype=np.float32)[classes], Aim.ONE_CLASS, seed=2), 7, 3, 4)
    assert head.sizes["depth"] <= 4
    expected = RandomForestClassifier(7, min_samples_leaf=3, max_depth=4, random_state=2).fit(features, classes)
    found = head(torch.from_numpy(features)).exp().numpy()
    np.testing.assert_allclose(found, expected.predict_proba(features), atol=3e-6)


def test_forest_that_was_not_fitted_says_so() -> None:
    with pytest.raises(CardError, match="not fitted"):
        PixelForest(2, 1, 2)(torch.zeros(1, 1, 8, 8))
