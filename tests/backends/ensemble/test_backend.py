"""An ensemble is a model like any other: it is read, refused and run as one; its members' answers become one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_medclf.backends.ensemble.backend import EnsembleBackend
from napari_medclf.backends.ensemble.file import EnsembleFile, write_ensemble
from napari_medclf.backends.ensemble.members import Member
from napari_medclf.backends.ensemble.predictor import LoadedEnsemble
from napari_medclf.backends.registry import load, open_model
from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction
from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.engine.model import LoadedModel
from napari_medclf.jobs.drive import drive
from napari_medclf.store.catalogue import Catalogue
from napari_medclf.testing.check_backend import check_backend
from napari_medclf.testing.phantoms import brain_phantom, oblique_phantom


def _card(name: str, task: Task = Task.SEGMENT, **spec: Any) -> ModelCard:
    given: dict[str, Any] = {
        "spatial_dims": 3,
        "channels": ("gray",),
        "intensity": Intensity(kind="window", low=-1000, high=2000),
        "patch_vox": (16, 16, 16),
        "divisible_by": 16,
    }
    return ModelCard(
        name=name,
        version="1",
        task=task,
        title="A model",
        description="For tests.",
        licence="CC0-1.0",
        input=InputSpec(**(given | spec)),
        output=OutputSpec(schema=LabelSchema.from_names(["soft", "bone"], first_value=1)),
        network=NetworkSpec(target="none"),
    )


class _Levels(torch.nn.Module):
    """Soft above one level and bone above another, as sure as told."""

    def __init__(self, soft: float, bone: float, sure: float = 20.0) -> None:
        super().__init__()
        self.soft, self.bone, self.sure = soft, bone, sure

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.sure * torch.cat([torch.zeros_like(x), x - self.soft, 2 * x - self.soft - self.bone], dim=1)


def _ensemble(networks: list[torch.nn.Module], combine: str = "mean", **given: Any) -> LoadedEnsemble:
    """An ensemble of networks that are there already."""
    weights, cards = given.get("weights", [1.0] * len(networks)), given.get("cards") or [_card("one")] * len(networks)
    members = []
    for network, weight, card in zip(networks, weights, cards, strict=True):
        loaded = LoadedModel(ModelPackage(card, Path("nowhere")), network, torch.device("cpu"))
        member = Member(loaded.package, weight, LoadSettings("cpu"), place="cpu", is_ours=True)
        member._loaded = loaded
        members.append(member)
    package = ModelPackage(cards[0].model_copy(update={"name": "all", "backend": "ensemble"}), Path("nowhere"))
    return LoadedEnsemble(package, combine, tuple(members))


def _run(model: Any, settings: RunSettings | None = None, image: Any = None) -> Prediction:
    outcome = drive(model.predict(image or oblique_phantom(), settings or RunSettings()))
    if outcome.error is not None:
        raise outcome.error
    assert outcome.result is not None
    return outcome.result


def _labels(prediction: Prediction) -> np.ndarray:
    assert prediction.segmentation is not None
    return prediction.segmentation.labels


def test_mean_on_shared_windows_is_the_mean_one_after_the_other() -> None:
    networks = [_Levels(0.3, 0.6), _Levels(0.345, 0.8), _Levels(0.36, 0.9, sure=5.0)]
    together = _run(_ensemble(networks))
    in_turn = _run(_ensemble(networks), RunSettings(is_uncertainty_wanted=True))
    assert together.uncertainty is None
    assert 0 < np.count_nonzero(_labels(together)) < _labels(together).size
    np.testing.assert_array_equal(_labels(together), _labels(in_turn))
    assert (together.model, together.segmentation.name) == ("all", "all")


def test_members_that_see_other_grids_meet_on_the_images() -> None:
    cards = [_card("one"), _card("two", axis_codes="LAI", spacing_mm=(0.6, 0.7, 1.5), patch_vox=(16, 32, 16))]
    networks = [_Levels(0.3, 0.6), _Levels(0.3, 0.6)]
    one = _run(LoadedModel(ModelPackage(cards[0], Path("nowhere")), networks[0], torch.device("cpu")))
    both = _run(_ensemble(networks, cards=cards))
    assert both.segmentation is not None
    assert both.segmentation.geometry.same_grid(oblique_phantom().geometry)
    share = (_labels(both) == _labels(one)).mean()
    assert share > 0.9


@pytest.mark.parametrize("n", [1, 2, 6])
def test_ensemble_that_is_a_member_of_itself_is_refused(n: int, tmp_path: Path) -> None:
    places = [tmp_path / f"ring{number}" / "ensemble.json" for number in range(n)]
    for position, place in enumerate(places):
        following = str(places[(position + 1) % n])
        content = {"card": _card("ring"), "combine": "mean", "members": [{"model": following}, {"model": following}]}
        write_ensemble(EnsembleFile.model_validate(content), place)
    with pytest.raises(CardError, match="has itself as a member"):
        load(open_model(places[0]), LoadSettings("cpu"))


def test_vote_and_weights_follow_the_members() -> None:
    low, high = _Levels(0.2, 0.9), _Levels(0.6, 0.9)
    alone = {id(one): _labels(_run(_ensemble([one, one]))) for one in (low, high)}
    np.testing.assert_array_equal(_labels(_run(_ensemble([low, high, low], "vote"))), alone[id(low)])
    np.testing.assert_array_equal(_labels(_run(_ensemble([low, high, high], "vote"))), alone[id(high)])
    heavy = _run(_ensemble([low, high], "weighted", weights=[0.05, 0.95]))
    np.testing.assert_array_equal(_labels(heavy), alone[id(high)])


@pytest.mark.parametrize("combine", ["mean", "vote"])
def test_disagreement_is_told_only_when_wanted(combine: str) -> None:
    networks = [_Levels(0.2, 0.9), _Levels(0.6, 0.9), _Levels(0.2, 0.9)]
    assert _run(_ensemble(networks, combine)).uncertainty is None
    doubt = _run(_ensemble(networks, combine), RunSettings(is_uncertainty_wanted=True)).uncertainty
    assert doubt is not None
    assert doubt.kind == "disagreement"
    each = [_labels(_run(_ensemble([one, one]))) for one in networks]
    assert set(np.unique(np.round(3 * doubt.values, 4))) <= {0.0, 1.0, 2.0}
    if combine == "vote":  # a mean may follow the one that is very sure
        np.testing.assert_allclose(doubt.values[each[0] != each[1]], 1 / 3, rtol=1e-6)
        assert not doubt.values[each[0] == each[1]].any()


def test_ten_networks_answer_as_one() -> None:
    networks = [_Levels(0.3 + 0.01 * n, 0.7) for n in range(10)]
    assert np.count_nonzero(_labels(_run(_ensemble(networks)))) > 0


def test_classes_are_averaged_or_voted_on() -> None:
    class Scores(torch.nn.Module):
        def __init__(self, bone: float) -> None:
            super().__init__()
            self.bone = bone

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[0.0, self.bone]]).repeat(len(x), 1) + 0.001 * x.mean(dim=(1, 2, 3, 4))[:, None]

    cards = [_card("one", Task.CLASSIFY, resize_to=(16, 16, 16))] * 3
    networks = [Scores(4.0), Scores(-0.5), Scores(-0.5)]
    mean = _run(_ensemble(networks, cards=cards)).classification
    vote = _run(_ensemble(networks, "vote", cards=cards)).classification
    assert mean is not None
    assert vote is not None
    expected = np.mean([1 / (1 + np.exp(-one)) for one in (4.0, -0.5, -0.5)])
    np.testing.assert_allclose(mean.scores["bone"], expected, atol=1e-4)
    assert mean.decided == ("bone",)
    np.testing.assert_allclose(vote.scores["bone"], 1 / 3, atol=1e-9)
    assert vote.decided == ("soft",)


def test_boxes_of_members_are_fused() -> None:
    class Box(torch.nn.Module):
        def __init__(self, low: float, score: float) -> None:
            super().__init__()
            self.low, self.score = low, score

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            row = [self.score, -9.0, self.low, 4, 4, self.low + 6, 10, 10]
            return torch.tensor([[row]]).repeat(len(x), 1, 1)

    card = _card("one", Task.DETECT, patch_vox=(16, 32, 32))
    output = card.output.model_copy(update={"activation": "sigmoid", "smallest_score": 0.1})
    cards = [card.model_copy(update={"output": output})] * 2
    found = _run(_ensemble([Box(2.0, 2.0), Box(3.0, 2.0)], cards=cards)).detection
    assert found is not None
    assert found.names == ("soft",)
    np.testing.assert_allclose(found.boxes[0, :, 0], (2.5, 8.5), atol=1e-6)
    voted = _run(_ensemble([Box(2.0, 2.0), Box(3.0, 3.0)], "vote", cards=cards)).detection
    assert voted is not None
    np.testing.assert_allclose(voted.boxes[0, :, 0], (3.0, 9.0), atol=1e-6)


def test_objects_cannot_be_voted_on() -> None:
    cards = [_card("one", Task.INSTANCES)] * 2
    with pytest.raises(CardError, match="numbers of objects cannot be voted on"):
        _run(_ensemble([_Levels(0.2, 0.5)] * 2, "vote", cards=cards))


def _listed(folder: Path, *members: dict[str, Any], **changes: Any) -> Path:
    """A folder with an ``ensemble.json`` of models that came with the program."""
    card = Catalogue().find("hippocampus-mr").card
    card = card.model_copy(update={"name": "two", "backend": "ensemble", "fingerprint": None})
    entries = members or ({"model": "hippocampus-mr", "sha256": card.weights_sha256}, {"model": "hippocampus-mr"})
    content = {"card": card, "combine": "mean", "members": entries} | changes
    write_ensemble(EnsembleFile.model_validate(content), folder / "ensemble.json")
    return folder


def test_ensemble_keeps_the_word_of_a_backend(tmp_path: Path) -> None:
    assert check_backend(EnsembleBackend(), _listed(tmp_path / "model"), tmp_path / "scratch") == ()


def test_ensemble_is_found_and_loaded_like_any_model(tmp_path: Path) -> None:
    package = open_model(_listed(tmp_path / "two"))
    assert (package.name, package.card.backend) == ("two", "ensemble")
    assert load(package, LoadSettings("cpu")).package.name == "two"


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        ({"model": "hippocampus-mr", "sha256": "0" * 64}, "other weights than when the ensemble was made"),
        ({"model": "no-such-model"}, "is not installed"),
        ({"model": "../elsewhere"}, "is not installed"),
        ({"model": "nuclei"}, "is made to segment, its member nuclei to instances"),
    ],
)
def test_member_that_does_not_fit_is_refused_in_a_sentence(
    member: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    package = open_model(_listed(tmp_path / "two", {"model": "hippocampus-mr"}, member))
    with pytest.raises(CardError, match=sentence):
        load(package, LoadSettings("cpu"))


def test_list_of_one_member_is_refused(tmp_path: Path) -> None:
    folder = _listed(tmp_path / "two")
    text = (folder / "ensemble.json").read_text()
    (folder / "ensemble.json").write_text(re.sub(r'"members": \[.*\]', '"members": []', text, flags=re.DOTALL))
    with pytest.raises(CardError, match="members"):
        EnsembleBackend().read(folder)


def test_members_that_do_not_fit_together_take_turns_and_say_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    image = brain_phantom().image
    together = _run(load(open_model(_listed(tmp_path / "two")), LoadSettings("cpu")), image=image)
    monkeypatch.setattr("napari_medclf.backends.ensemble.predictor.fit_together", lambda members: False)
    model = load(open_model(_listed(tmp_path / "two")), LoadSettings("cpu"))
    assert isinstance(model, LoadedEnsemble)
    assert all(one._loaded is None for one in model.members)
    in_turn = _run(model, image=image)
    assert any("each was loaded in turn" in one for one in in_turn.warnings)
    share = (_labels(together) == _labels(in_turn)).mean()
    assert share > 0.999
