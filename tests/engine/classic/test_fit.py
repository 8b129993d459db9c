"""A classic model is fitted, calibrated and kept as a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_trainings as tiny
import torch

from napari_medclf.domain.card import NetworkSpec, Task
from napari_medclf.domain.errors import CardError, DatasetError
from napari_medclf.domain.events import EpochDone, Warned
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec, Quantity
from napari_medclf.engine.classic.classifier import ClassicClassifier
from napari_medclf.engine.classic.table import at_most
from napari_medclf.engine.fingerprint import check_fingerprint, compute_fingerprint
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.recipes.classic import CLASSIC
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.learn import learn
from napari_medclf.engine.train.settings import FitSettings


def _recipe(kind: str, n_outputs: int = 2, **arguments):
    known = {"kind": kind, "spatial_dims": 2, "in_channels": 1, "out_channels": n_outputs, **arguments}
    spec = NetworkSpec(target=CLASSIC, arguments=known)
    return tiny.classify_recipe().model_copy(update={"network": spec})


def _fit(recipe, folder: Path, draft=None, train=None, val=None, **settings):
    card = draft or tiny.draft_of(Task.CLASSIFY, recipe)
    job = learn(
        card, recipe, train or tiny.shade_cases(40), val or tiny.shade_cases(20, 100), FitSettings(folder, **settings)
    )
    return tiny.finish(job)


def _rebuilt(fitted) -> torch.nn.Module:
    network = build_network(fitted.card.network)
    network.load_state_dict(fitted.state_dict)
    return network.eval()


@pytest.mark.parametrize("kind", ["linear", "knn", "tree", "forest", "boosting", "svm"])
def test_every_kind_tells_dark_from_bright_and_comes_back_from_its_card(kind: str, tmp_path: Path) -> None:
    small = {"forest": {"n_trees": 10}, "boosting": {"n_rounds": 5}}.get(kind, {})
    fitted, events = _fit(_recipe(kind, **small), tmp_path)
    assert fitted.val_metrics["val/auc"] > 0.9
    assert fitted.card.is_calibrated
    assert any(isinstance(event, EpochDone) and event.is_best for event in events)
    network = _rebuilt(fitted)
    cases = tiny.shade_cases(20, 200)
    logits = network(torch.from_numpy(np.stack([case.sample.image for case in cases])))
    truth = torch.tensor([int(case.sample.target) for case in cases])
    assert (logits.argmax(1) == truth).float().mean() > 0.9
    card = fitted.card.model_copy(update={"fingerprint": compute_fingerprint(fitted.card, network)})
    check_fingerprint(card, _rebuilt(fitted))


def test_best_setting_on_validation_is_kept(tmp_path: Path) -> None:
    fitted, _ = _fit(_recipe("knn", n_neighbours=[1, 39]), tmp_path)
    assert [one["n_neighbours"] for one in fitted.history] == [1, 39]
    best = max(fitted.history, key=lambda one: one["val/auc"] - 1e-3 * one["val/loss"])
    assert fitted.card.network.arguments["n_neighbours"] == best["n_neighbours"]
    assert fitted.history[fitted.best_epoch - 1] == best


def test_time_limit_leaves_one_try(tmp_path: Path) -> None:
    fitted, _ = _fit(_recipe("linear"), tmp_path, max_minutes=1e-9)
    assert len(fitted.history) == 1


def test_seed_decides_the_forest(tmp_path: Path) -> None:
    recipe = _recipe("forest", n_trees=5)
    first, again, other = (_fit(recipe, tmp_path, seed=seed)[0].state_dict for seed in (0, 0, 1))
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first if first[name].shape == other[name].shape)


def test_numbers_are_estimated_in_their_unit_and_unknown_ones_left_out(tmp_path: Path) -> None:
    def numbered(cases):
        values = [np.array([1000 * case.sample.image.mean()], np.float32) for case in cases]
        return [replace(case, sample=replace(case.sample, target=one)) for case, one in zip(cases, values, strict=True)]

    train, val = numbered(tiny.shade_cases(40)), numbered(tiny.shade_cases(20, 100))
    train[3] = replace(train[3], sample=replace(train[3].sample, target=np.array([np.nan], np.float32)))
    recipe = _recipe("linear", 1, features=["first order"])
    output = OutputSpec(
        schema=LabelSchema.from_names(("density",), first_value=1), quantities=(Quantity(unit="1", mean=450, sd=150),)
    )
    draft = tiny.draft_of(Task.CLASSIFY, recipe).model_copy(update={"task": Task.REGRESS, "output": output})
    fitted, events = _fit(recipe, tmp_path, draft, train, val)
    assert any(isinstance(event, Warned) and "1 of 40 cases" in event.message for event in events)
    images = torch.from_numpy(np.stack([case.sample.image for case in val]))
    found = _rebuilt(fitted)(images)[:, 0] * 150 + 450
    truth = torch.tensor([float(case.sample.target[0]) for case in val])
    assert (found - truth).abs().mean() < 25


def test_independent_classes_get_a_logit_each(tmp_path: Path) -> None:
    def marked(cases):
        both = [np.array([case.sample.target, 1 - case.sample.target], np.float32) for case in cases]
        return [replace(case, sample=replace(case.sample, target=one)) for case, one in zip(cases, both, strict=True)]

    recipe = _recipe("linear")
    draft = tiny.draft_of(Task.CLASSIFY, recipe)
    draft = draft.model_copy(update={"output": draft.output.model_copy(update={"activation": "sigmoid"})})
    fitted, _ = _fit(recipe, tmp_path, draft, marked(tiny.shade_cases(40)), marked(tiny.shade_cases(20, 100)))
    val = tiny.shade_cases(20, 100)
    logits = _rebuilt(fitted)(torch.from_numpy(np.stack([case.sample.image for case in val])))
    truth = torch.tensor([int(case.sample.target) for case in val])
    assert ((logits[:, 0] > 0) == (truth == 1)).float().mean() > 0.9
    torch.testing.assert_close(logits[:, 0], -logits[:, 1], atol=1e-3, rtol=1e-3)


def test_one_class_only_is_refused_in_a_sentence(tmp_path: Path) -> None:
    cases = [case for case in tiny.shade_cases(20) if int(case.sample.target) == 0]
    with pytest.raises(DatasetError, match="nothing to tell apart"):
        _fit(_recipe("linear"), tmp_path, train=cases)


def test_embeddings_of_a_trained_network_are_features(tmp_path: Path) -> None:
    network = build_network(tiny.RESNET).eval()
    encoder = tiny.RESNET.model_dump(mode="json")
    recipe = _recipe("linear", encoder=encoder)
    fitted, _ = _fit(recipe, tmp_path, init_state=network.state_dict())
    assert fitted.card.network.arguments["layer"] == "fc"
    assert fitted.card.network.arguments["sizes"]["n_features"] == 8
    rebuilt = _rebuilt(fitted)
    images = torch.rand(3, 1, 16, 16)
    heard = []
    network.fc.register_forward_hook(lambda _, given, __: heard.append(given[0]))
    network(images)
    torch.testing.assert_close(rebuilt.describe(images), heard[0].double())
    assert not rebuilt.train().features.network.training


def test_embeddings_without_a_model_ask_for_one(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="--init"):
        _fit(_recipe("linear", encoder=tiny.RESNET.model_dump(mode="json")), tmp_path)


def test_bottom_of_a_unet_is_its_embedding(tmp_path: Path) -> None:
    def enlarged(cases):
        images = [np.kron(case.sample.image, np.ones((1, 2, 2), np.float32)) for case in cases]
        return [replace(case, sample=replace(case.sample, image=one)) for case, one in zip(cases, images, strict=True)]

    recipe = _recipe("linear", encoder=tiny.UNET.model_dump(mode="json"))
    train, val = enlarged(tiny.shade_cases(12)), enlarged(tiny.shade_cases(6, 100))
    fitted, _ = _fit(recipe, tmp_path, train=train, val=val, init_state=build_network(tiny.UNET).state_dict())
    assert fitted.card.network.arguments["layer"].startswith("down_4")
    assert fitted.card.network.arguments["sizes"]["n_features"] == 2 * 4  # mean and maximum of four channels


def test_model_that_was_not_fitted_says_so() -> None:
    with pytest.raises(CardError, match="not fitted"):
        ClassicClassifier("linear", 2, 1, 2)(torch.zeros(1, 1, 8, 8))
    with pytest.raises(CardError, match="strength"):
        ClassicClassifier("linear", 2, 1, 2, strenght=3)


def test_fewer_cases_keep_every_class() -> None:
    from napari_medclf.engine.classic.heads.problem import Aim, Problem

    classes = np.array([0] * 97 + [1] * 3)
    problem = Problem(np.arange(100, dtype=np.float32)[:, None], np.eye(2, dtype=np.float32)[classes], Aim.ONE_CLASS)
    fewer = at_most(problem, 20)
    assert len(fewer.features) <= 21
    assert set(fewer.classes) == {0, 1}
    assert (fewer.classes == (fewer.features[:, 0] >= 97)).all()  # targets follow their rows
    assert at_most(problem, 100) is problem


def test_wrong_shape_is_refused(tmp_path: Path) -> None:
    case = tiny.square_cases(1)[0]
    wide = [TrainCase("wide", "wide", replace(case.sample, image=np.zeros((2, 16, 16), np.float32)))]
    with pytest.raises(DatasetError, match="2D network"):
        _fit(_recipe("linear"), tmp_path, train=wide)


def test_mirrored_use_is_learned_and_calibrated_mirrored(tmp_path: Path) -> None:
    recipe = _recipe("linear", strength=0.1).model_copy(update={"mirror_axes": (1,)})
    fitted, _ = _fit(recipe, tmp_path)
    val = tiny.shade_cases(20, 100)
    images = torch.from_numpy(np.stack([case.sample.image for case in val]))
    network = _rebuilt(fitted)
    mean = (network(images) + network(images.flip(3))) / 2
    truth = torch.tensor([int(case.sample.target) for case in val])
    loss = float(torch.nn.functional.cross_entropy(mean, truth))
    assert fitted.history[0]["val/loss"] == pytest.approx(loss, abs=1e-5)
