"""MeshNets: layers by model.json, channels by the weights, classes by colormap.json; the whole head at once."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from napari_medclf.backends.meshnet.backend import MeshNetBackend
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.weights import read_tensors
from napari_medclf.testing.check_backend import check_backend

_CPU = LoadSettings("cpu", runtime="torch")
_COLOURS = {"R": [0, 255, 10], "G": [0, 0, 20], "B": [0, 0, 30], "labels": ["background", "White", "Gray"]}


def _layer(n_in: int, n_out: int, dilation: int, size: int = 3) -> dict[str, int]:
    padding = dilation * (size // 2)
    sizes = {"kernel_size": size, "padding": padding, "stride": 1, "dilation": dilation}
    return {"in_channels": n_in, "out_channels": n_out, **sizes}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A MeshNet of two dilated layers, as brainchop would write it, in safetensors called .pth."""
    made = tmp_path / "tissue"
    made.mkdir()
    layers = [_layer(-1, 4, 1), _layer(4, 4, 2), _layer(4, -1, 1, size=1)]
    (made / "model.json").write_text(json.dumps({"header": "Tissue", "bnorm": False, "elu": True, "layers": layers}))
    (made / "colormap.json").write_text(json.dumps(_COLOURS))
    torch.manual_seed(1)
    shapes = [(4, 1, 3, 3, 3), (4, 4, 3, 3, 3), (3, 4, 1, 1, 1)]
    state = {f"model.{2 * n}.weight": torch.randn(shape) for n, shape in enumerate(shapes)}
    state |= {f"model.{2 * n}.bias": torch.randn(shape[0]) for n, shape in enumerate(shapes)}
    save_file(state, made / "model.pth")
    return made


def _small(card: Any, *patch: int) -> Any:
    return card.model_copy(update={"input": card.input.model_copy(update={"patch_vox": patch})})


def _labels(folder: Path, image: MedImage, patch: tuple[int, ...]) -> Any:
    backend = MeshNetBackend()
    card = _small(backend.read(folder).card, *patch)
    job = backend.load(backend.read(folder, card), _CPU).predict(image)
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value.segmentation.labels


def test_files_become_a_card(folder: Path) -> None:
    backend = MeshNetBackend()
    for path in (folder, folder / "model.pth", folder / "model.json"):
        assert backend.recognises(path)
        package = backend.read(path)
        assert [file.name for file in package.files] == ["model.pth", "model.json", "colormap.json"]
    card = package.card
    assert [(one.value, one.name, one.colour) for one in card.schema_.classes] == [
        (1, "White", "#FF0000"),
        (2, "Gray", "#0A141E"),
    ]
    assert (card.input.axis_codes, card.input.spacing_mm, card.input.intensity.kind) == ("LIA", (1, 1, 1), "minmax")
    assert card.network.arguments["act"] == "elu"


def test_head_is_labelled_as_plain_torch_does(folder: Path) -> None:
    """The image is stored as (k, j, i) towards S, P, R; the network wants towards L, I, A."""
    rng = np.random.default_rng(2)
    conformed = rng.integers(0, 255, (14, 12, 10)).astype(np.float32)
    affine = np.array([[0, 0, -1.0, 9], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])  # columns: k -> z, j -> y, i -> -x
    stored = conformed.transpose(1, 2, 0)[::-1, ::-1, ::-1]
    geometry = Geometry(affine, stored.shape)
    image = MedImage(np.ascontiguousarray(stored), geometry, "head", modality="MR")
    state = read_tensors(folder / "model.pth")
    x = torch.from_numpy((conformed - conformed.min()) / (conformed.max() - conformed.min()))[None, None]
    x = F.elu(F.conv3d(x, state["model.0.weight"], state["model.0.bias"], padding=1))
    x = F.elu(F.conv3d(x, state["model.2.weight"], state["model.2.bias"], padding=2, dilation=2))
    expected = F.conv3d(x, state["model.4.weight"], state["model.4.bias"]).argmax(1)[0].numpy()
    labels = _labels(folder, image, conformed.shape)
    np.testing.assert_array_equal(labels, expected.transpose(1, 2, 0)[::-1, ::-1, ::-1])


def test_weights_decide_how_many_channels_there_are(folder: Path) -> None:
    """brainchop's mindgrab says 5 channels in model.json and has 15."""
    content = json.loads((folder / "model.json").read_text())
    for layer in content["layers"]:
        layer["in_channels"] = layer["out_channels"] = 9
    (folder / "model.json").write_text(json.dumps(content))
    loaded: Any = MeshNetBackend().load(MeshNetBackend().read(folder), _CPU)
    with torch.inference_mode():
        assert loaded.network(torch.zeros(1, 1, 6, 7, 8)).shape == (1, 3, 6, 7, 8)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"layers": []}, "has no list of layers"),
        ({"layers": [_layer(1, 4, 1), {"dilation": 2}]}, "layer 1 lacks kernel_size"),
        ({"layers": [{**_layer(1, 4, 2), "padding": 1}, _layer(4, 3, 1, 1)]}, "layer 0 changes the size"),
        ({"layers": [_layer(1, 4, 2), {**_layer(4, 3, 1), "stride": 2}]}, "layer 1 changes the size"),
        ({"layers": [_layer(1, 4, 1)] * 300}, "has no list of layers"),
        ({"layers": [_layer(1, 4, 1), _layer(4, 3, 10**9)]}, "layer 1 lacks"),
    ],
)
def test_layers_that_are_no_meshnet_are_refused(folder: Path, change: dict[str, Any], sentence: str) -> None:
    content = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**content, **change, "note": '"dilation"'}))
    if MeshNetBackend().recognises(folder):
        with pytest.raises(CardError, match=sentence):
            MeshNetBackend().read(folder)
    else:
        assert change["layers"] == []


@pytest.mark.parametrize(
    ("colours", "sentence"),
    [
        ({**_COLOURS, "labels": ["background", "White"]}, "do not go together"),
        ({**_COLOURS, "R": [0, 300, 1]}, "no three numbers"),
        ({**_COLOURS, "R": "red"}, "do not go together"),
    ],
)
def test_classes_that_do_not_fit_are_refused(folder: Path, colours: dict[str, Any], sentence: str) -> None:
    (folder / "colormap.json").write_text(json.dumps(colours))
    with pytest.raises(CardError, match=sentence):
        MeshNetBackend().read(folder)


def test_layers_are_counted_by_number_and_not_by_name(tmp_path: Path) -> None:
    """safetensors list model.10 before model.2; twelve layers of different widths notice."""
    widths = [1, *range(2, 13), 3]
    pairs = list(pairwise(widths))
    layers = [_layer(-1, -1, 1, size=1) for _ in pairs]
    (tmp_path / "model.json").write_text(json.dumps({"layers": layers}))
    (tmp_path / "colormap.json").write_text(json.dumps(_COLOURS))
    state = {f"model.{2 * n}.weight": torch.ones(n_out, n_in, 1, 1, 1) for n, (n_in, n_out) in enumerate(pairs)}
    state |= {f"model.{2 * n}.bias": torch.ones(n_out) for n, (_, n_out) in enumerate(pairs)}
    save_file(state, tmp_path / "model.pth")
    loaded: Any = MeshNetBackend().load(MeshNetBackend().read(tmp_path), _CPU)
    with torch.inference_mode():
        assert loaded.network(torch.zeros(1, 1, 6, 7, 8)).shape == (1, 3, 6, 7, 8)


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    state = read_tensors(folder / "model.pth")
    save_file({key: value for key, value in state.items() if key != "model.2.weight"}, folder / "model.pth")
    with pytest.raises(CardError, match="holds 2 convolutions, but model.json lists 3"):
        MeshNetBackend().load(MeshNetBackend().read(folder), _CPU)
    save_file({**state, "model.4.weight": torch.ones(7, 4, 1, 1, 1)}, folder / "model.pth")
    with pytest.raises(CardError, match="tells 7 classes apart, but 3 have a name"):
        MeshNetBackend().load(MeshNetBackend().read(folder), _CPU)


def test_backend_keeps_its_word(folder: Path, tmp_path: Path) -> None:
    backend = MeshNetBackend()
    card = _small(backend.read(folder).card, 24, 24, 24)
    (tmp_path / "scratch").mkdir()
    assert check_backend(backend, folder, tmp_path / "scratch", card=card, files=("model.pth",)) == ()


def _head(shared_weights: Path) -> MedImage:
    import napari_medclf

    return napari_medclf.read(shared_weights / "samples" / "brainchop_t1_crop.nii.gz").images[0]


def _in_torch(state: dict[str, Any], x: Any) -> Any:
    """The tissue network, layer by layer."""
    for layer, dilation in enumerate((1, 2, 4, 8, 16, 8, 4, 2, 1)):
        kernel, bias = state[f"model.{2 * layer}.weight"], state[f"model.{2 * layer}.bias"]
        x = F.relu(F.conv3d(x, kernel, bias, padding=dilation, dilation=dilation))
    return F.conv3d(x, state["model.18.weight"], state["model.18.bias"])


def test_tissue_in_a_piece_of_a_real_head_is_what_plain_torch_says(shared_weights: Path) -> None:
    folder = shared_weights / "brainchop" / "model5_gw_ae"
    head = _head(shared_weights)
    corner, size = (100, 90, 80), (48, 56, 40)  # lop-sided, in the middle of the head
    cut = tuple(slice(start, start + n) for start, n in zip(corner, size, strict=True))
    samples = np.ascontiguousarray(np.asarray(head.data)[cut])
    piece = MedImage(samples, Geometry(head.geometry.affine, size), "piece", modality="MR")
    labels = _labels(folder, piece, tuple(reversed(size)))
    # The file is stored towards L, I, A as (i, j, k): the network's own axes are ours in reverse.
    values = samples.astype(np.float32).transpose(2, 1, 0)
    x = torch.from_numpy(np.ascontiguousarray((values - values.min()) / (values.max() - values.min())))[None, None]
    expected = _in_torch(read_tensors(folder / "model.pth"), x).argmax(1)[0].numpy().transpose(2, 1, 0)
    assert 0.2 < (expected > 0).mean() < 1
    assert (labels != expected).mean() < 1e-4


_VOLUMES_ML = [("model5_gw_ae", {"White Matter": 518.5, "Grey Matter": 735.2}), ("mindgrab", {"brain mask": 1607.3})]


@pytest.mark.slow
@pytest.mark.timeout(1800)  # 16 and 135 s of one core; many times that on a busy computer
@pytest.mark.parametrize(("model", "ml"), _VOLUMES_ML)
def test_whole_head_has_the_volumes_that_were_measured(shared_weights: Path, model: str, ml: dict[str, float]) -> None:
    folder = shared_weights / "brainchop" / model
    backend = MeshNetBackend()
    card = backend.read(folder).card
    labels = _labels(folder, _head(shared_weights), card.input.patch_vox)
    for name, expected in ml.items():
        found = np.count_nonzero(labels == card.schema_.named(name).value) / 1000
        assert found == pytest.approx(expected, rel=0.01)
