"""Heat maps: where the evidence was planted, as MONAI draws them, and otherwise with other weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import BackendUnavailable, CardError, SchemaError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.explain.explainer import Explainer, score_of
from napari_medclf.engine.model import load_model, place_model
from napari_medclf.engine.networks import build_network
from napari_medclf.jobs.api import run
from napari_medclf.store.catalogue import Catalogue
from napari_medclf.testing.phantoms import chest_phantom, oblique_phantom

_SCHEMA = LabelSchema.from_names(["none", "spot"])


class Spots(nn.Module):
    """One feature is brightness, one darkness; the mean of each is a class's score."""

    def __init__(self, spatial_dims: int) -> None:
        super().__init__()
        make, pool = (nn.Conv3d, nn.AvgPool3d) if spatial_dims == 3 else (nn.Conv2d, nn.AvgPool2d)
        self.features = nn.Sequential(make(1, 2, 1), nn.ReLU(inplace=True), pool(2))
        self.fc = nn.Linear(2, 2)
        with torch.no_grad():
            self.features[0].weight.copy_(torch.tensor([-1.0, 1.0]).view(self.features[0].weight.shape))
            self.features[0].bias.copy_(torch.tensor([0.5, -0.5]))
            self.fc.weight.copy_(100 * torch.eye(2))
            self.fc.bias.zero_()

    def forward(self, x):
        return self.fc(self.features(x).flatten(2).mean(2))


def _card(spatial_dims, sizes=None, **changes):
    spec = InputSpec(
        spatial_dims=spatial_dims,
        channels=("gray",),
        intensity=Intensity(kind="window", low=0, high=1000),
        patch_vox=(8,) * spatial_dims,
        resize_to=sizes,
        divisible_by=4,
    )
    given = {
        "name": "spots",
        "version": "1",
        "task": Task.CLASSIFY,
        "title": "Spots",
        "description": "For tests.",
        "licence": "CC0-1.0",
        "input": spec,
        "output": OutputSpec(schema=_SCHEMA),
        "network": NetworkSpec(target="spots"),
    }
    return ModelCard(**(given | changes))


def _explainer(network, card):
    package = ModelPackage(card, Path("spots"))
    return Explainer.begin(place_model(package, network.eval(), LoadSettings(device="cpu", runtime="torch")))


def _with_spot(image: MedImage, corner: tuple[int, int, int]) -> MedImage:
    samples = np.zeros(image.geometry.shape, np.float32)
    samples[tuple(slice(at, at + 3) for at in corner)] = 1000
    return replace(image, data=samples)


@pytest.mark.parametrize("corner", [(0, 0, 0), (9, 17, 25), (0, 17, 0), (9, 0, 25)])
def test_evidence_in_a_corner_of_an_oblique_volume_is_found_there(corner):
    image = _with_spot(oblique_phantom(), corner)
    found = run(_explainer(Spots(3), _card(3)).explain(image, "spot"))
    assert found.values.shape == image.geometry.shape
    assert found.geometry.same_grid(image.geometry)
    assert found.values.max() == pytest.approx(1)
    middle = image.geometry.to_world(np.array(corner) + 1.0)
    assert np.linalg.norm(np.array(found.hottest) - middle) < 2 * max(image.geometry.spacing)
    inside = np.zeros(image.geometry.shape, bool)
    inside[tuple(slice(max(at - 2, 0), at + 5) for at in corner)] = True
    assert found.values[~inside].max() < 0.05


def test_each_slice_of_a_volume_has_its_own_map_for_a_network_of_pictures():
    image = _with_spot(oblique_phantom(), (7, 2, 20))
    found = run(_explainer(Spots(2), _card(2)).explain(image, "spot"))
    assert found.cells[0] == image.geometry.shape[0]
    assert found.values[7:10].max() == pytest.approx(1)
    assert found.values[[*range(7), 10, 11]].max() == 0
    assert np.unravel_index(found.values.argmax(), found.values.shape)[1:] in {
        (j, i) for j in range(1, 6) for i in range(19, 24)
    }


def test_map_comes_home_from_another_grid():
    image = _with_spot(chest_phantom(), (0, 10, 30))
    shape = image.geometry.shape
    found = run(_explainer(Spots(2), _card(2, sizes=(shape[1] // 2, shape[2] // 3))).explain(image, "spot"))
    assert found.values.shape == shape
    _, row, column = np.unravel_index(found.values.argmax(), shape)
    assert abs(row - 11) < 6
    assert abs(column - 31) < 8


def test_mirrored_answers_give_one_map_that_is_not_mirrored():
    output = OutputSpec(schema=_SCHEMA, mirror_axes=(0, 1, 2))
    image = _with_spot(oblique_phantom(), (9, 0, 25))
    plain = run(_explainer(Spots(3), _card(3)).explain(image, "spot"))
    mirrored = run(_explainer(Spots(3), _card(3, output=output)).explain(image, "spot"))
    np.testing.assert_allclose(mirrored.values, plain.values, atol=1e-5)


def test_class_without_evidence_has_an_empty_map_and_says_so():
    bright = replace(oblique_phantom(), data=np.full(oblique_phantom().geometry.shape, 1000, np.float32))
    found = run(_explainer(Spots(3), _card(3)).explain(bright, "none"))
    assert found.is_empty
    assert not found.values.any()
    assert "Nothing in the image speaks for none." in found.warnings


def test_without_a_name_the_class_that_is_decided_is_explained():
    explainer = _explainer(Spots(3), _card(3))
    assert run(explainer.explain(_with_spot(oblique_phantom(), (2, 2, 2)))).class_name == "none"
    with pytest.raises(SchemaError, match="spot"):
        run(explainer.explain(oblique_phantom(), "spott"))


_NETWORKS = {
    "resnet 2D": (2, "monai.networks.nets.ResNet", {
        "block": "basic", "layers": [1, 1, 1, 1], "block_inplanes": [8, 16, 16, 24], "conv1_t_size": 3,
        "conv1_t_stride": 1, "no_max_pool": True, "n_input_channels": 1, "num_classes": 3,
    }, "layer4"),
    "resnet 3D": (3, "monai.networks.nets.ResNet", {
        "block": "basic", "layers": [1, 1, 1, 1], "block_inplanes": [4, 8, 8, 12], "conv1_t_size": 3,
        "conv1_t_stride": 1, "no_max_pool": True, "n_input_channels": 1, "num_classes": 3,
    }, "layer4"),
}  # fmt: skip


@pytest.mark.parametrize("name", _NETWORKS)
@pytest.mark.parametrize("index", [0, 2])
def test_map_is_monais(name, index):
    """MONAI's GradCAM is the independent implementation."""
    from monai.visualize import GradCAM

    dims, target, arguments, layer = _NETWORKS[name]
    torch.manual_seed(index + 4)
    network = build_network(NetworkSpec(target=target, arguments={"spatial_dims": dims, **arguments})).eval()
    schema = LabelSchema.from_names(["a", "b", "c"])
    sizes = (24, 36) if dims == 2 else (16, 24, 20)
    image = replace(oblique_phantom(), data=np.random.default_rng(index).normal(400, 200, (12, 20, 28)))
    card = _card(dims, sizes=sizes, output=OutputSpec(schema=schema), network=NetworkSpec(target=target))
    explainer = _explainer(network, card)
    assert explainer.layers == (layer,)
    found = run(explainer.explain(image, schema.names[index]))

    model = explainer._model
    prepared = run(model.prepare(image)).prepared
    inputs = torch.from_numpy(prepared.data)
    inputs = inputs.transpose(0, 1) if dims == 2 else inputs[None]
    network.requires_grad_(True)
    theirs = GradCAM(network, layer, postprocessing=lambda x: x)
    each = [theirs(x=one[None], class_idx=index).detach().numpy()[0, 0] for one in inputs]
    raw = np.stack(each) if dims == 2 else each[0]
    assert raw.max() > 0
    assert found.peak == pytest.approx(float(raw.max()), rel=1e-4)
    expected = prepared.grid.restore((raw / raw.max())[np.newaxis].astype(np.float32))[0]
    np.testing.assert_allclose(found.values, expected, atol=1e-4)


def test_other_weights_give_another_map():
    """A map that stays with random weights would only draw edges (Adebayo 2018, sanity checks for saliency maps)."""
    package = next(one for one in Catalogue().packages() if one.name == "chest-xray-pneumonia")
    settings = LoadSettings(device="cpu", runtime="torch")
    rng = np.random.default_rng(5)
    images = [
        replace(
            chest_phantom(), data=np.asarray(chest_phantom().data) + rng.normal(0, 20, chest_phantom().geometry.shape)
        )
        for _ in range(4)
    ]

    def maps(seed: int | None) -> list[np.ndarray]:
        model = load_model(package, settings)
        if seed is not None:
            torch.manual_seed(seed)
            for layer in model.network.modules():
                if hasattr(layer, "reset_parameters"):
                    layer.reset_parameters()
        explainer = Explainer.begin(model)
        return [run(explainer.explain(image, "pneumonia")).values.ravel() for image in images]

    own = maps(None)
    again = maps(None)
    assert all(np.array_equal(one, other) for one, other in zip(own, again, strict=True))
    likeness = [np.corrcoef(a, b)[0, 1] for seed in range(3) for a, b in zip(own, maps(seed), strict=True)]
    assert np.nanmean(np.nan_to_num(likeness)) < 0.5


def test_committee_sums_what_its_members_found_and_names_those_without_maps():
    from napari_medclf.engine.nets.committee import Committee

    committee = Committee(
        [{"target": "monai.networks.nets.ResNet", "arguments": {"spatial_dims": 3, **_NETWORKS["resnet 3D"][2]}}]
    )
    committee.members = nn.ModuleList(
        [Spots(3), Spots(3), nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(1, 2))]
    )
    committee._shares, committee._temperatures, committee._offsets = [1 / 3] * 3, [1.0] * 3, [[]] * 3
    explainer = _explainer(committee, _card(3))
    assert explainer.layers == ("members.0.features.1", "members.1.features.1")
    image = _with_spot(oblique_phantom(), (9, 17, 25))
    found = run(explainer.explain(image, "spot"))
    assert np.unravel_index(found.values.argmax(), found.values.shape) >= (8, 16, 24)
    assert any("1 of 3 members have no maps" in one for one in found.warnings)


def test_slices_read_one_after_the_other_have_their_map_on_their_slice():
    from napari_medclf.engine.nets.cnn_rnn import CNNRNN

    torch.manual_seed(0)
    network = CNNRNN(1, 2, hidden=8, layers=(1, 1, 1, 1), channels=(4, 4, 8, 8))
    found = run(_explainer(network, _card(3, sizes=(12, 32, 32))).explain(oblique_phantom(), "spot"))
    assert found.cells == (12, 4, 4)
    assert found.values.shape == oblique_phantom().geometry.shape


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(512, 2)), "no convolutions"),
        (lambda: _vit(), "attention"),
        (lambda: _views(), "views that it chose"),
    ],
)
def test_what_cannot_be_explained_is_said_in_a_sentence(make, message):
    with pytest.raises(BackendUnavailable, match=message):
        _explainer(make(), _card(3, sizes=(8, 8, 8)))


def _vit():
    return build_network(
        NetworkSpec(
            target="monai.networks.nets.ViT",
            arguments={
                "in_channels": 1, "img_size": [8, 8, 8], "patch_size": [4, 4, 4], "hidden_size": 12, "mlp_dim": 24,
                "num_layers": 1, "num_heads": 3, "classification": True, "num_classes": 2,
            },
        )
    )  # fmt: skip


def _views():
    from napari_medclf.engine.nets.multi_view import MultiView

    return MultiView(1, 2, size=16, channels=(4, 4, 4, 4))


def test_program_and_segmentation_are_refused():
    package = ModelPackage(_card(3), Path("spots"))
    placed = place_model(package, Spots(3), LoadSettings(device="cpu", runtime="torch"))
    with pytest.raises(BackendUnavailable, match="layers cannot be heard"):
        Explainer.begin(replace(placed, network=lambda x: x))
    with pytest.raises(CardError, match="lies on the image already"):
        Explainer.begin(replace(placed, package=ModelPackage(_card(3, task=Task.SEGMENT), Path("spots"))))


def test_class_in_an_order_is_explained_by_its_two_steps():
    output = OutputSpec(schema=LabelSchema.from_names(["low", "middle", "high"]), activation="ordinal")
    answer = torch.tensor([[3.0, 1.0]])
    assert [score_of(output, n)(answer).item() for n in range(3)] == [-3.0, 2.0, 1.0]
