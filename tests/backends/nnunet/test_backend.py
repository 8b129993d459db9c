"""What nnU-Net's folders say about a model, and which of them are refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_medclf.backends.nnunet import NnunetBackend
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import Intensity
from napari_medclf.domain.run_settings import LoadSettings

_CPU = LoadSettings("cpu", runtime="torch")
Folders = Callable[[str], Path]


@pytest.fixture
def backend() -> NnunetBackend:
    return NnunetBackend()


def _change(folder: Path, tmp_path: Path, file: str, change: Callable[[dict[str, Any]], object]) -> Path:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    content = json.loads((copy / file).read_text())
    change(content)
    (copy / file).write_text(json.dumps(content))
    return copy


def test_folder_and_the_one_above_are_recognised(backend: NnunetBackend, result_folder: Folders) -> None:
    folder = result_folder("apart")
    assert backend.recognises(folder)
    assert backend.recognises(folder.parent)
    assert not backend.recognises(folder / "fold_0")
    assert not backend.recognises(folder / "plans.json")
    assert not backend.recognises(folder / "missing")


def test_card_says_what_the_plans_say(backend: NnunetBackend, result_folder: Folders) -> None:
    card = backend.read(result_folder("apart")).card
    assert card.backend == "nnunet"
    assert card.title == "Dataset777_Phantom, nnU-Net 3d_fullres"
    assert card.input.channels == ("CT", "PET")
    assert card.input.spacing_mm == (3.6, 0.8, 0.9)
    assert card.input.patch_vox == (8, 32, 24)
    assert (card.input.resampling, card.input.crop, card.input.tiling) == ("cubic", "nonzero", "nnunet")
    assert card.input.is_normalised_first
    assert card.input.intensity_of(0) == Intensity(kind="clip", low=20, high=700, mean=(310.0,), std=(140.0,))
    assert card.input.intensity_of(1) == Intensity(kind="zscore")
    assert dict(card.schema_.iter_named_values()) == {"liver": 1, "lesion": 2, "vessel": 3}
    assert card.network.arguments["folds"] == ["fold_0", "fold_1"]


def test_regions_are_painted_in_their_order(backend: NnunetBackend, result_folder: Folders) -> None:
    card = backend.read(result_folder("regions")).card
    assert dict(card.schema_.iter_named_values()) == {"whole": 1, "core": 2, "active": 3}  # and not "ignore"
    assert card.output.priority == ("whole", "core", "active")
    assert card.output.activation == "sigmoid"
    assert not card.output.has_background_channel
    assert card.input.axis_order == (2, 0, 1)
    assert card.input.intensity == Intensity(kind="zscore", of="filled")
    assert card.input.modality == ("MR",)


def test_plans_of_the_first_releases_are_understood(backend: NnunetBackend, result_folder: Folders) -> None:
    card = backend.read(result_folder("flat")).card
    assert card.input.spatial_dims == 2
    assert [one.kind for one in card.input.channel_intensity] == ["minmax", "none"]
    assert card.network.arguments["features_per_stage"] == [8, 16, 24]


def test_torch_resampling_is_linear(backend: NnunetBackend, result_folder: Folders) -> None:
    assert backend.read(result_folder("torch")).card.input.resampling == "linear"


def test_reoriented_images_stand_as_nibabel_turns_them(
    backend: NnunetBackend, result_folder: Folders, tmp_path: Path
) -> None:
    reader = {"image_reader_writer": "NibabelIOWithReorient", "transpose_forward": [2, 0, 1]}
    folder = _change(result_folder("regions"), tmp_path, "plans.json", lambda plans: plans.update(reader))
    assert backend.read(folder).card.input.axis_codes == "RSA"


def test_configuration_inherits_from_another(backend: NnunetBackend, result_folder: Folders, tmp_path: Path) -> None:
    def change(plans: dict[str, Any]) -> None:
        base = plans["configurations"].pop("3d_fullres")
        plans["configurations"] = {"base": base, "3d_fullres": {"inherits_from": "base", "patch_size": [16, 32, 32]}}

    folder = _change(result_folder("apart"), tmp_path, "plans.json", change)
    card = backend.read(folder).card
    assert card.input.patch_vox == (16, 32, 32)
    assert card.input.spacing_mm == (3.6, 0.8, 0.9)


def test_loading_adds_what_only_the_weights_know(backend: NnunetBackend, result_folder: Folders) -> None:
    package = backend.read(result_folder("regions"))
    assert package.card.output.mirror_axes == ()
    loaded = backend.load(package, _CPU).package.card
    assert loaded.output.mirror_axes == (0, 2)
    assert len(loaded.weights_sha256) == 64
    assert backend.load(backend.read(result_folder("apart")), _CPU).package.card.output.n_members == 2


def test_card_of_a_person_chooses_folds_and_words(backend: NnunetBackend, result_folder: Folders) -> None:
    own = backend.read(result_folder("apart")).card
    arguments = {**own.network.arguments, "folds": ["fold_1"]}
    wanted = own.model_copy(
        update={"title": "Ours", "network": own.network.model_copy(update={"arguments": arguments})}
    )
    package = backend.read(result_folder("apart"), wanted)
    assert package.card.title == "Ours"
    loaded = backend.load(package, _CPU)
    assert loaded.package.card.output.n_members == 1
    assert backend.read(result_folder("apart"), loaded.package.card).card == loaded.package.card.model_copy(
        update={"output": package.card.output.model_copy(update={"mirror_axes": (0, 1, 2)})}
    )


def test_unfinished_training_is_used_and_told(backend: NnunetBackend, result_folder: Folders, tmp_path: Path) -> None:
    folder = tmp_path / result_folder("regions").name
    shutil.copytree(result_folder("regions"), folder)
    (folder / "fold_0" / "checkpoint_final.pth").rename(folder / "fold_0" / "checkpoint_best.pth")
    card = backend.read(folder).card
    assert card.network.arguments["checkpoint"] == "checkpoint_best.pth"
    assert "did not end" in card.limits[-1]


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("plans.json", {"label_manager": "Mine"}, "label_manager 'Mine'"),
        ("plans.json", {"transpose_forward": [0, 0, 1]}, "damaged"),
        ("plans.json", {"configurations": {"2d": {}}}, "no configuration '3d_fullres'"),
        ("dataset.json", {"labels": {"background": 0, "one": 1, "three": 3}}, "without gaps"),
        ("dataset.json", {"labels": {"one": 1}}, "background as 0"),
        ("dataset.json", {"channel_names": {"0": "CT"}}, "1 channels, but 2 normalisations"),
        ("dataset.json", {"labels": {"background": 0, "a": [1, 2], "b": 2}}, "regions_class_order"),
    ],
)
def test_contradictions_are_refused_in_a_sentence(
    backend: NnunetBackend, result_folder: Folders, tmp_path: Path, file: str, change: dict[str, Any], sentence: str
) -> None:
    folder = _change(result_folder("apart"), tmp_path, file, lambda content: content.update(change))
    with pytest.raises(CardError, match=sentence):
        backend.read(folder)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"previous_stage": "3d_lowres"}, "second stage of a cascade"),
        ({"preprocessor_name": "Mine"}, "preprocessor_name 'Mine'"),
        ({"normalization_schemes": ["Mine", "Mine"]}, "normalisation 'Mine'"),
        ({"resampling_fn_data": "mine"}, "resampling that is not known here: mine"),
        ({"inherits_from": "3d_fullres"}, "inherits from itself"),
        ({"spacing": [1.0, 0.0, 1.0]}, "damaged"),
    ],
)
def test_what_cannot_be_reproduced_is_refused_in_a_sentence(
    backend: NnunetBackend, result_folder: Folders, tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    def apply(plans: dict[str, Any]) -> None:
        plans["configurations"]["3d_fullres"].update(change)

    with pytest.raises(CardError, match=sentence):
        backend.read(_change(result_folder("apart"), tmp_path, "plans.json", apply))


def test_folder_with_two_models_asks_which(backend: NnunetBackend, result_folder: Folders, tmp_path: Path) -> None:
    for name in ("apart", "flat"):
        shutil.copytree(result_folder(name), tmp_path / result_folder(name).name)
    with pytest.raises(CardError, match="holds 2 models"):
        backend.read(tmp_path)


def _spoil(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "fold_0" / "checkpoint_final.pth"
    content = torch.load(path, weights_only=False)
    change(content)
    torch.save(content, path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda content: content.pop("network_weights"), "no network_weights"),
        (lambda content: content["network_weights"].popitem(), "are missing"),
        (lambda content: content["network_weights"].update(more=torch.zeros(1)), "are unknown"),
        (lambda content: content["init_args"].update(configuration="2d"), "was trained as 2d"),
        (lambda content: content.update(inference_allowed_mirroring_axes=(3,)), "flips along the axes"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    backend: NnunetBackend,
    result_folder: Folders,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], object],
    sentence: str,
) -> None:
    folder = tmp_path / result_folder("regions").name
    shutil.copytree(result_folder("regions"), folder)
    _spoil(folder, change)
    with pytest.raises(CardError, match=sentence):
        backend.load(backend.read(folder), _CPU)


def test_a_fold_of_another_kind_is_refused(backend: NnunetBackend, result_folder: Folders, tmp_path: Path) -> None:
    folder = tmp_path / result_folder("apart").name
    shutil.copytree(result_folder("apart"), folder)
    shutil.copyfile(
        result_folder("regions") / "fold_0" / "checkpoint_final.pth", folder / "fold_1" / "checkpoint_final.pth"
    )
    with pytest.raises(CardError, match=r"fold_1.*do not fit"):
        backend.load(backend.read(folder), _CPU)
