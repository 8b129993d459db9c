"""TorchXRayVision's weights answer as its own code does, however they were saved, and nothing of a file runs.

`state.pt`, `whole.pt` and `whole_legacy.pt` hold one narrow ``torchxrayvision.models.DenseNet`` with random weights,
written by torchxrayvision 1.5.7: its state dict, and the network itself in both of torch's formats. `expected.npz` is
what that network says about `picture()`, with and without operating points.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_medclf.backends.registry import open_model
from napari_medclf.backends.xrayvision import XRayVisionBackend
from napari_medclf.backends.xrayvision.released import DEFAULT_LABELS, find_released
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.nets.xray_classifier import XRayClassifier
from napari_medclf.engine.weight_files.whole_module import read_whole_module
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.check_backend import check_backend

HERE = Path(__file__).parent
FILES = ("state.pt", "whole.pt", "whole_legacy.pt")
CPU = LoadSettings("cpu", runtime="torch")
EXPECTED = dict(np.load(HERE / "expected.npz"))
NOT_TUNED = int(np.flatnonzero(np.isnan(EXPECTED["op_threshs"]))[0])


def picture() -> np.ndarray:
    index = np.arange(224)
    return (((index[:, None] * 7 + index * 3) % 256) * 9 + (index * index[:, None]) % 400).astype(np.uint16)


def image(samples: np.ndarray) -> MedImage:
    limits = None if samples.dtype == np.uint8 else (0.0, 4095.0)
    return MedImage(samples[None], Geometry.flat(*samples.shape), "picture", modality="DX", limits=limits)


def scores_of(package: ModelPackage, samples: np.ndarray) -> dict[str, float]:
    outcome = drive(XRayVisionBackend().load(package, CPU).predict(image(samples)))
    assert outcome.result is not None, outcome.message
    return outcome.result.classification.scores


def tuned(card: ModelCard) -> ModelCard:
    points = [None if np.isnan(value) else float(value) for value in EXPECTED["op_threshs"]]
    spec = card.network.model_copy(update={"arguments": {**card.network.arguments, "op_threshs": points}})
    return card.model_copy(update={"network": spec})


@pytest.mark.parametrize("name", FILES)
def test_scores_are_those_of_the_library(name: str) -> None:
    scores = scores_of(XRayVisionBackend().read(HERE / name), picture())
    expected = torch.sigmoid(torch.from_numpy(EXPECTED["logits"]))[0].numpy()
    assert list(scores) == list(DEFAULT_LABELS)
    np.testing.assert_allclose(list(scores.values()), expected, atol=1e-5)


def test_operating_points_move_scores_as_the_library_does() -> None:
    backend = XRayVisionBackend()
    package = backend.read(HERE / "state.pt", tuned(backend.read(HERE / "state.pt").card))
    found = np.delete(list(scores_of(package, picture()).values()), NOT_TUNED)
    np.testing.assert_allclose(found, np.delete(EXPECTED["scores"][0], NOT_TUNED), atol=1e-5)


def test_operating_point_is_at_one_half() -> None:
    network = XRayClassifier(torch.nn.Identity(), [0, 1, 2], [0.2, None, 0.9])
    logits = torch.logit(torch.tensor([[0.2, 0.3, 0.45]]))
    torch.testing.assert_close(network(logits), torch.tensor([[0.5, 0.3, 0.25]]))


def test_middle_square_of_a_long_picture_counts() -> None:
    package = XRayVisionBackend().read(HERE / "state.pt")
    tall = np.full((224 + 51, 224), 4000, dtype=np.uint16)
    tall[25 : 25 + 224] = picture()  # (224 + 51) // 2 - 224 // 2 = 25, as XRayCenterCrop starts
    assert scores_of(package, tall) == scores_of(package, picture())


def test_bytes_and_twelve_bits_of_the_same_picture_score_alike() -> None:
    package = XRayVisionBackend().read(HERE / "state.pt")
    eight = (picture() // 16).astype(np.uint8)
    wide = np.rint(eight * (4095 / 255)).astype(np.uint16)
    one, other = scores_of(package, eight), scores_of(package, wide)
    assert max(abs(one[name] - other[name]) for name in one) < 1e-3


def test_released_file_brings_its_labels_and_points(tmp_path: Path) -> None:
    path = tmp_path / "kaggle-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt"
    path.write_bytes((HERE / "whole.pt").read_bytes())
    package = XRayVisionBackend().read(path)
    assert package.card.name == "xrayvision-rsna"
    assert package.card.schema_.names == ("Pneumonia", "Lung Opacity")
    assert list(scores_of(package, picture())) == ["Pneumonia", "Lung Opacity"]


def test_every_named_output_of_the_released_weights_has_its_point() -> None:
    names = ("mimic_nb", "mimic_ch", "nih", "pc", "chex")
    prefix = {"mimic_nb": "mimic_nb", "mimic_ch": "mimic_ch", "nih": "nih", "pc": "pc", "chex": "chex"}
    for name in names:
        released = find_released(f"{prefix[name]}-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt")
        assert released is not None
        assert released.name == name
        assert [bool(label) for label in released.labels] == [point is not None for point in released.op_threshs]
        assert len(released.labels) == 18


@pytest.mark.parametrize("name", FILES)
def test_any_of_these_files_finds_this_backend(name: str) -> None:
    assert open_model(HERE / name).card.backend == "xrayvision"


@pytest.mark.parametrize("name", FILES)
def test_backend_keeps_its_word(name: str, tmp_path: Path) -> None:
    assert check_backend(XRayVisionBackend(), HERE / name, tmp_path) == ()


def test_densenet_for_colour_pictures_is_not_taken(tmp_path: Path) -> None:
    state = torch.load(HERE / "state.pt", weights_only=True)
    state["features.conv0.weight"] = state["features.conv0.weight"].repeat(1, 3, 1, 1)
    torch.save(state, tmp_path / "colour.pt")
    assert not XRayVisionBackend().recognises(tmp_path / "colour.pt")


def test_card_with_another_number_of_outputs_is_refused() -> None:
    backend = XRayVisionBackend()
    card = backend.read(HERE / "state.pt").card
    short = card.network.model_copy(update={"arguments": {"labels": list(DEFAULT_LABELS[:3])}})
    with pytest.raises(CardError, match="network has 18 outputs"):
        backend.load(backend.read(HERE / "state.pt", card.model_copy(update={"network": short})), CPU)


class Harmful:
    """What an attacker would write in place of a layer."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self):
        return (Path.touch, (self.canary,))


@pytest.mark.parametrize("is_zip", [True, False])
def test_code_in_a_pickled_network_does_not_run(tmp_path: Path, is_zip: bool) -> None:
    canary = tmp_path / "ran"
    harmless = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3))
    harmless.extra = Harmful(canary)
    path = tmp_path / "harmful.pt"
    torch.save(harmless, path, _use_new_zipfile_serialization=is_zip)
    state = read_whole_module(path)
    assert list(state) == ["0.weight", "0.bias"]
    assert torch.equal(state["0.weight"], harmless[0].weight)
    assert not canary.exists()


def test_pickle_that_is_no_network_is_one_sentence(tmp_path: Path) -> None:
    for name, content in (("a", pickle.dumps(Harmful(tmp_path / "ran"))), ("b", b""), ("c", b"\x80\x02}q\x00.")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CardError) as refusal:
            read_whole_module(tmp_path / name)
        assert "\n" not in str(refusal.value)
    assert not (tmp_path / "ran").exists()


def test_program_is_never_handed_to_torch(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3))), tmp_path / "program.pt")
    with pytest.raises(CardError, match="is a program"):
        read_whole_module(tmp_path / "program.pt")
