"""What every model that comes with this package promises."""

from __future__ import annotations

import json

import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.model import load_model
from napari_medclf.engine.recipes.files import load_recipe
from napari_medclf.store.bundle import read_run_spec, verify_package
from napari_medclf.store.catalogue import Catalogue

NAMES = ("chest-xray-pneumonia", "hippocampus-mr", "nuclei", "retina-vessels")
MAIN_METRIC = {Task.CLASSIFY: "test/auc", Task.SEGMENT: "test/dice", Task.INSTANCES: "test/f1_50"}
FOUR_MEGABYTES = 4_000_000


@pytest.fixture(params=NAMES)
def package(request):
    return Catalogue().find(request.param)


def test_package_is_small_and_whole(package):
    assert package.is_embedded
    assert sum(path.stat().st_size for path in package.folder.rglob("*") if path.is_file()) <= FOUR_MEGABYTES
    verify_package(package)


def test_model_answers_as_its_fingerprint_says(package):
    assert package.card.fingerprint is not None
    load_model(package, LoadSettings("cpu"))  # refuses weights that answer otherwise


def test_card_tells_what_the_model_was_made_of_and_how_good_it_is(package):
    card = package.card
    assert card.metrics[MAIN_METRIC[card.task]].ci95 is not None
    assert card.limits
    for credit in card.data:
        assert credit.licence.startswith("CC")
        assert credit.attribution
        assert credit.split
        assert min(credit.n_train, credit.n_val, credit.n_test) > 0
    licence_text = (package.folder / "LICENSE").read_text(encoding="utf-8")
    assert all(credit.attribution in licence_text for credit in card.data)


def test_weights_from_share_alike_data_are_shared_alike():
    card = Catalogue().find("hippocampus-mr").card
    assert "SA" in card.licence
    assert "share alike" in card.data[0].licence


def test_run_spec_trains_the_model_again_from_its_recipe(package):
    spec = read_run_spec(package)
    assert spec.command == "train"
    recipe = load_recipe(str(spec.options["recipe"]))
    assert recipe.network == package.card.network
    assert recipe.input == package.card.input
    assert not any("tmp" in str(value) or "home" in str(value) for value in spec.options.values())


def test_history_has_every_epoch(package):
    history = json.loads((package.folder / "docs" / "history.json").read_text(encoding="utf-8"))
    assert history
    assert all("val/loss" in values for values in history)
