"""Plain weights run with a card: a stock network by name or inferred, or another maker's by our own rewriting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_medclf.backends.registry import load, open_model
from napari_medclf.backends.state_dict import StateDictBackend
from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.networks import build_network
from napari_medclf.store.sidecar import read_card_file
from napari_medclf.testing.check_backend import check_backend

_CPU = LoadSettings("cpu", runtime="torch")
_TARGET = "monai.networks.nets.UNet"
_ARGUMENTS = {
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 2,
    "channels": [4, 8, 8],
    "strides": [2, 2],
    "num_res_units": 1,
}
_CARDS = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "cards"


def _network() -> Any:
    torch.manual_seed(8)
    return build_network(NetworkSpec(target=_TARGET, arguments=_ARGUMENTS)).eval()


def _predict(loaded: Any, image: MedImage) -> Any:
    job = loaded.predict(image)
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("target", [_TARGET, "inferred"])
@pytest.mark.parametrize("save", [save_file, torch.save])
def test_network_answers_what_it_was_saved_as(
    tmp_path: Path, make_card: Any, noise: Any, target: str, save: Any
) -> None:
    save(dict(_network().state_dict()), tmp_path / "weights.pt")
    card = make_card(target=target, arguments=_ARGUMENTS if target == _TARGET else {})
    package = open_model(tmp_path / "weights.pt", card)
    assert package.card.backend == "state_dict"
    loaded: Any = load(package, _CPU)
    x = torch.from_numpy(noise(1, 1, 16, 24))
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(x), _network()(x))
    assert loaded.card.network.target == _TARGET
    assert len(loaded.card.weights_sha256) == 64
    assert any("was inferred" in limit for limit in loaded.card.limits) == (target == "inferred")


def test_card_beside_the_weights_is_found(tmp_path: Path, make_card: Any) -> None:
    save_file(dict(_network().state_dict()), tmp_path / "weights.safetensors")
    card = make_card(target="inferred").model_dump(mode="json", by_alias=True)
    (tmp_path / "medclf.json").write_text(json.dumps({"schema_version": 1, "card": card}))
    assert open_model(tmp_path / "weights.safetensors").card.name == "small"


def test_card_that_is_missing_is_asked_for(tmp_path: Path) -> None:
    save_file(dict(_network().state_dict()), tmp_path / "weights.safetensors")
    with pytest.raises(CardError, match=r"put a medclf\.json beside it, .* input \(spatial_dims, channels"):
        open_model(tmp_path / "weights.safetensors")


def test_weights_that_fit_in_part_are_refused(tmp_path: Path, make_card: Any) -> None:
    state = dict(_network().state_dict())
    state.pop("model.0.conv.unit0.conv.bias")
    save_file(state, tmp_path / "weights.safetensors")
    for target, sentence in ((_TARGET, "1 are missing, such as 'model.0.conv"), ("inferred", "cannot be inferred")):
        card = make_card(target=target, arguments=_ARGUMENTS if target == _TARGET else {})
        with pytest.raises(CardError, match=sentence):
            load(open_model(tmp_path / "weights.safetensors", card), _CPU)


def test_network_that_is_not_on_the_list_is_not_called(tmp_path: Path, make_card: Any) -> None:
    save_file(dict(_network().state_dict()), tmp_path / "weights.safetensors")
    for target in ("os.system", "builtins.eval", "monai.networks.nets.__loader__", "torch.hub.load"):
        with pytest.raises(CardError, match="There is no network"):
            load(open_model(tmp_path / "weights.safetensors", make_card(target=target)), _CPU)


def test_loading_leaves_random_numbers_alone(tmp_path: Path, make_card: Any) -> None:
    save_file(dict(_network().state_dict()), tmp_path / "weights.safetensors")
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load(open_model(tmp_path / "weights.safetensors", make_card(target=_TARGET, arguments=_ARGUMENTS)), _CPU)
    assert torch.equal(torch.rand(3), expected)


def test_backend_keeps_its_word(tmp_path: Path, make_card: Any) -> None:
    save_file(dict(_network().state_dict()), tmp_path / "weights.safetensors")
    card = make_card(target=_TARGET, arguments=_ARGUMENTS)
    problems = check_backend(StateDictBackend(), tmp_path / "weights.safetensors", tmp_path / "scratch", card=card)
    assert problems == ()


def _real(shared_weights: Path, file: str, card: str) -> Any:
    return load(open_model(shared_weights / file, read_card_file(_CARDS / card)), _CPU)


def test_vessels_and_their_kinds_are_found_in_a_retina(shared_weights: Path) -> None:
    """Both networks see nearly the same tree, and the second tells arteries and veins apart."""
    skimage = pytest.importorskip("skimage.data")
    picture = np.moveaxis(skimage.retina(), -1, 0)[:, None]
    geometry = Geometry.flat(*picture.shape[2:])
    colour = {"channel_kind": ChannelKind.COLOUR, "channel_names": ("red", "green", "blue")}
    image = MedImage(np.ascontiguousarray(picture), geometry, "retina", **colour)
    one = _predict(_real(shared_weights, "lwnet/wnet_drive/model_checkpoint.pth", "vessels.json"), image)
    four = _predict(_real(shared_weights, "lwnet/big_wnet_drive_av/model_checkpoint.pth", "arteries-veins.json"), image)
    vessels, kinds = np.asarray(one.segmentation.labels) > 0, np.asarray(four.segmentation.labels)
    assert 0.08 < vessels.mean() < 0.16
    assert 2 * (vessels & (kinds > 0)).sum() / (vessels.sum() + (kinds > 0).sum()) > 0.85
    for value in (2, 3):
        assert 0.03 < (kinds == value).mean() < 0.09


def test_vessels_are_where_an_observer_drew_them(shared_weights: Path, shared_data: Path) -> None:
    from PIL import Image

    import napari_medclf

    loaded = _real(shared_weights, "lwnet/wnet_drive/model_checkpoint.pth", "vessels.json")
    folder = shared_data / "retina_chase_db1"
    image = napari_medclf.read(folder / "Image_11L.jpg").images[0]
    drawn = np.asarray(Image.open(folder / "Image_11L_1stHO.png")).astype(bool)
    found = np.asarray(_predict(loaded, image).segmentation.labels)[0] > 0
    assert 2 * (found & drawn).sum() / (found.sum() + drawn.sum()) > 0.65


def test_breast_pictures_are_told_apart_as_their_manifest_says(shared_weights: Path, shared_data: Path) -> None:
    loaded = _real(shared_weights, "medmnist_small/breastmnist_cnn.pth", "breast-ultrasound.json")
    with np.load(shared_data / "medmnist" / "breastmnist.npz") as content:
        pictures, labels = content["test_images"], content["test_labels"][:, 0]
    decided = [
        _predict(loaded, MedImage(one[None], Geometry.flat(28, 28), "p")).classification.decided for one in pictures
    ]
    right = [bool(names) == bool(label) for names, label in zip(decided, labels, strict=True)]
    assert round(float(np.mean(right)), 3) == 0.923


def test_brain_is_found_in_a_head(shared_weights: Path) -> None:
    """Against the tissue of another maker's network, which leaves out the fluid around the brain."""
    import napari_medclf

    image = napari_medclf.read(shared_weights / "samples" / "brainchop_t1_crop.nii.gz").images[0]
    loaded = _real(shared_weights, "torchio_unet/whole_images_epoch_5.pth", "brain-t1.json")
    labels = np.asarray(_predict(loaded, image).segmentation.labels)
    assert 1200 < np.count_nonzero(labels) / 1000 < 1700  # mL; the voxels are 1 mm
