"""An ensemble is made of models that are here, and is a model of the catalogue then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_medclf.cli.main import main
from napari_medclf.domain.errors import CardError, OptionError
from napari_medclf.jobs.api import run
from napari_medclf.jobs.ensemble import EnsembleOptions, make_ensemble
from napari_medclf.store.catalogue import Catalogue


def test_ensemble_is_listed_with_its_members_and_can_be_removed() -> None:
    made = run(make_ensemble(EnsembleOptions("twins", ("hippocampus-mr", "hippocampus-mr"), "weighted", (1.0, 3.0))))
    found = Catalogue().find("twins")
    assert found.card == made.card
    assert found.card.network.arguments == {"combine": "weighted", "members": "hippocampus-mr, hippocampus-mr"}
    content = json.loads((found.folder / "ensemble.json").read_text())
    assert [one["weight"] for one in content["members"]] == [1.0, 3.0]
    assert content["members"][0]["sha256"] == Catalogue().find("hippocampus-mr").card.weights_sha256
    Catalogue().remove("twins")
    assert Catalogue().named("twins") is None


def test_name_that_is_taken_and_members_that_differ_are_refused() -> None:
    with pytest.raises(CardError, match="There is a model 'nuclei' already"):
        run(make_ensemble(EnsembleOptions("nuclei", ("hippocampus-mr", "hippocampus-mr"))))
    with pytest.raises(CardError, match="its member nuclei to instances"):
        run(make_ensemble(EnsembleOptions("mixed", ("hippocampus-mr", "nuclei"))))
    assert Catalogue().named("mixed") is None
    with pytest.raises(CardError, match="cannot be the name of a model"):
        run(make_ensemble(EnsembleOptions("../up", ("hippocampus-mr", "hippocampus-mr"))))


@pytest.mark.parametrize(
    ("members", "combine", "weights", "sentence"),
    [
        (("a",), "mean", (), "two members or more"),
        (("a", "b"), "weighted", (), "belong together"),
        (("a", "b"), "mean", (1.0, 2.0), "belong together"),
        (("a", "b"), "weighted", (1.0,), "as many positive weights"),
        (("a", "b"), "weighted", (1.0, -1.0), "as many positive weights"),
    ],
)
def test_options_that_contradict_each_other_are_refused(members, combine, weights, sentence) -> None:
    with pytest.raises(OptionError, match=sentence):
        EnsembleOptions("name", members, combine, weights)


def test_command_makes_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["models", "ensemble", "pair", "--members", "nuclei,nuclei", "--json"]
    assert main(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["name"], document["combine"]) == ("pair", "mean")
    assert main(["models", "show", "pair"]) == 0


def test_vote_on_objects_is_refused_when_the_ensemble_is_made() -> None:
    with pytest.raises(CardError, match="Objects cannot be voted on"):
        run(make_ensemble(EnsembleOptions("two", ("nuclei", "nuclei"), "vote")))
    assert Catalogue().named("two") is None
