"""A package becomes a model that answers on the image's own grid, or says in a sentence why not."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_medclf.domain.card import Fingerprint, ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import BackendUnavailable, CardError, MedclfError, OptionError
from napari_medclf.domain.events import FinishReason, JobEvent, Progress
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction
from napari_medclf.domain.run_settings import LoadSettings, RunSettings
from napari_medclf.engine.fingerprint import compute_fingerprint
from napari_medclf.engine.model import LoadedModel, load_model
from napari_medclf.engine.networks import build_network
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import MARKED_VOXEL, cells_phantom, chest_phantom, oblique_phantom

_UNET = {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "features": [4, 4, 4, 4, 4, 4]}
_RESNET = {
    "spatial_dims": 2,
    "n_input_channels": 1,
    "num_classes": 2,
    "block": "basic",
    "layers": [1, 1, 1, 1],
    "block_inplanes": [4, 4, 4, 4],
}


def _card(task: Task = Task.SEGMENT, **changes: Any) -> ModelCard:
    is_flat = task is Task.CLASSIFY
    names = ["clear", "opaque"] if is_flat else ["bone"]
    given: dict[str, Any] = {
        "name": "test-model",
        "version": "1",
        "task": task,
        "title": "A model",
        "description": "For tests.",
        "licence": "CC0-1.0",
        "input": InputSpec(
            spatial_dims=2 if is_flat else 3,
            channels=("gray",),
            intensity=Intensity(kind="range") if is_flat else Intensity(kind="window", low=-1000, high=2000),
            resize_to=(32, 32) if is_flat else None,
            patch_vox=(32, 32) if is_flat else (16, 16, 32),
            divisible_by=1 if is_flat else 16,
        ),
        "output": OutputSpec(schema=LabelSchema.from_names(names, first_value=0 if is_flat else 1)),
        "network": NetworkSpec(
            target=f"monai.networks.nets.{'ResNet' if is_flat else 'BasicUNet'}",
            arguments=_RESNET if is_flat else _UNET,
        ),
    }
    return ModelCard(**{**given, **changes})


def _save(card: ModelCard, folder: Path) -> ModelPackage:
    torch.manual_seed(11)
    network = build_network(card.network).eval()
    package = ModelPackage(card, folder)
    package.weights_path.parent.mkdir(parents=True)
    save_file(network.state_dict(), package.weights_path)
    digest = hashlib.sha256(package.weights_path.read_bytes()).hexdigest()
    fingerprint = compute_fingerprint(card, network)
    return replace(package, card=card.model_copy(update={"weights_sha256": digest, "fingerprint": fingerprint}))


def _run(model: LoadedModel, image: MedImage, settings: RunSettings | None = None) -> Prediction:
    outcome = drive(model.predict(image, settings or RunSettings()))
    if outcome.error is not None:
        raise outcome.error
    assert outcome.result is not None
    return outcome.result


class _Threshold(torch.nn.Module):
    """Says bone where a sample is above a level: five lines stand for a trained network."""

    def __init__(self, level: float = 0.5, n_channels: int = 2) -> None:
        super().__init__()
        self.level = level
        self.n_channels = n_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        score = 40 * (x[:, :1] - self.level)
        return torch.cat([-score, *[score] * (self.n_channels - 1)], dim=1)


def _fake(card: ModelCard, network: torch.nn.Module) -> LoadedModel:
    return LoadedModel(ModelPackage(card, Path("nowhere")), network, torch.device("cpu"))


def _with_input(card: ModelCard, **changes: Any) -> ModelCard:
    return card.model_copy(update={"input": card.input.model_copy(update=changes)})


@pytest.mark.parametrize("axis_codes", [None, "LAI"])
@pytest.mark.parametrize("spacing_mm", [None, (0.5, 0.5, 0.5)])
def test_marked_voxel_is_labelled_where_it_lies(
    axis_codes: str | None, spacing_mm: tuple[float, float, float] | None
) -> None:
    card = _with_input(_card(), axis_codes=axis_codes, spacing_mm=spacing_mm)
    image = oblique_phantom()
    found = _run(_fake(card, _Threshold()), image).segmentation
    assert found is not None
    assert found.geometry.same_grid(image.geometry)
    assert np.argwhere(found.labels == found.schema.named("bone").value).tolist() == [list(MARKED_VOXEL)]


def test_image_that_is_read_on_demand_is_never_whole_in_memory() -> None:
    import dask.array

    image, largest = oblique_phantom(), 0

    def read(block: np.ndarray) -> np.ndarray:
        nonlocal largest
        largest = max(largest, block.shape[0])
        return block

    lazy = dask.array.from_array(image.data, chunks=(2, 20, 28)).map_blocks(read, dtype=image.data.dtype)
    card = _with_input(_card(), spacing_mm=(4.0, 0.5, 0.5), modality=("CT",))
    found = _run(_fake(card, _Threshold()), replace(image, data=lazy)).segmentation
    expected = _run(_fake(card, _Threshold()), image).segmentation
    assert found is not None
    assert expected is not None
    assert np.array_equal(found.labels, expected.labels)
    assert largest <= 2


def test_slices_of_a_volume_are_labelled_one_by_one() -> None:
    card = _card(input=_card().input.model_copy(update={"spatial_dims": 2, "patch_vox": (16, 16)}))
    prediction = _run(_fake(card, _Threshold()), oblique_phantom())
    assert prediction.segmentation is not None
    assert np.argwhere(prediction.segmentation.labels).tolist() == [list(MARKED_VOXEL)]
    assert "sees the 12 slices one by one" in prediction.warnings[0]


def test_loaded_network_gives_what_the_network_gives(tmp_path: Path) -> None:
    package = _save(_card(), tmp_path)
    prediction = _run(load_model(package, LoadSettings("cpu")), oblique_phantom(), RunSettings(mirror=True))
    assert prediction.segmentation is not None
    assert prediction.segmentation.labels.dtype == np.uint8
    assert (prediction.model, prediction.place) == ("test-model", "cpu")
    assert prediction.weights_sha256 == package.card.weights_sha256


def test_classifier_names_the_class_of_its_largest_score(tmp_path: Path) -> None:
    card = _card(Task.CLASSIFY)
    model = load_model(_save(card, tmp_path), LoadSettings("cpu"))
    found = _run(model, chest_phantom()).classification
    assert found is not None
    assert list(found.scores) == ["clear", "opaque"]
    assert sum(found.scores.values()) == pytest.approx(1, abs=1e-6)
    assert found.decided == (found.top_class,)


def test_temperature_softens_scores_and_keeps_their_order(tmp_path: Path) -> None:
    model = load_model(_save(_card(Task.CLASSIFY), tmp_path), LoadSettings("cpu"))
    soft_output = model.card.output.model_copy(update={"temperature": 3.0})
    soft = replace(model, package=replace(model.package, card=model.card.model_copy(update={"output": soft_output})))
    sharp_scores = _run(model, chest_phantom()).classification.scores
    soft_scores = _run(soft, chest_phantom()).classification.scores
    assert max(soft_scores.values()) < max(sharp_scores.values())
    assert np.log(soft_scores["opaque"] / soft_scores["clear"]) == pytest.approx(
        np.log(sharp_scores["opaque"] / sharp_scores["clear"]) / 3, rel=1e-4
    )


def test_instances_are_the_objects_of_the_phantom() -> None:
    phantom = cells_phantom()
    truth = phantom.truth.labels

    class Seer(torch.nn.Module):
        """Sees each cell, with a border of two pixels where it touches another."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            from scipy import ndimage

            inner = np.zeros(truth.shape[1:], dtype=bool)
            for number in range(1, int(truth.max()) + 1):
                inner |= ndimage.binary_erosion(truth[0] == number, iterations=2)
            channels = np.stack([truth[0] == 0, inner, (truth[0] > 0) & ~inner])
            return torch.from_numpy(12 * channels.astype(np.float32))[None]

    input_spec = _card().input.model_copy(
        update={
            "spatial_dims": 2,
            "patch_vox": truth.shape[1:],
            "divisible_by": 1,
            "intensity": Intensity(kind="range"),
        }
    )
    card = _card(Task.INSTANCES, input=input_spec)
    found = _run(_fake(card, Seer()), phantom.image).segmentation
    assert found is not None
    assert found.is_instances
    assert int(found.labels.max()) == int(truth.max())
    for number in range(1, int(truth.max()) + 1):
        found_number = np.bincount(found.labels[truth == number]).argmax()
        both = np.count_nonzero((found.labels == found_number) & (truth == number))
        assert both / np.count_nonzero((found.labels == found_number) | (truth == number)) > 0.95


def test_small_objects_are_removed() -> None:
    output = _card().output.model_copy(update={"min_object_vox": 2})
    found = _run(_fake(_card(output=output), _Threshold()), oblique_phantom()).segmentation
    assert found is not None
    assert not found.labels.any()


def test_job_tells_its_progress_and_stops_when_told() -> None:
    seen: list[Progress] = []
    job = _fake(_card(), _Threshold()).predict(oblique_phantom(), RunSettings(batch=1))

    def keep(event: JobEvent) -> None:
        if isinstance(event, Progress) and event.message == "Running the network":
            seen.append(event)

    outcome = drive(job, keep, should_stop=lambda: bool(seen and seen[-1].done == 1))
    assert outcome.reason is FinishReason.CANCELED
    assert (seen[-1].done, seen[-1].total) == (1, 2)


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (replace(oblique_phantom(), modality="MR"), "The image is MR, but test-model was made for CT."),
        (chest_phantom(), "The image has one slice, but test-model was made for volumes."),
        (oblique_phantom(), "much coarser than the 1 x 0.2 x 0.2 mm"),
    ],
)
def test_unlike_image_is_said(image: MedImage, sentence: str) -> None:
    card = _with_input(_card(), modality=("CT",), spacing_mm=(1.0, 0.2, 0.2))
    warnings = _run(_fake(card, _Threshold()), image).warnings
    assert any(sentence in warning for warning in warnings)


def test_answer_with_nan_is_a_sentence() -> None:
    class Broken(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x, x / 0 * 0], dim=1)

    with pytest.raises(MedclfError, match="not finite"):
        _run(_fake(_card(), Broken()), oblique_phantom())


def test_same_answer_everywhere_is_a_sentence() -> None:
    class Dead(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([torch.zeros_like(x), torch.ones_like(x)], dim=1)

    with pytest.raises(MedclfError, match="same answer everywhere"):
        _run(_fake(_card(), Dead()), oblique_phantom())


def test_wrong_number_of_channels_is_a_sentence() -> None:
    with pytest.raises(CardError, match="has 4 channels, but its card says 2"):
        _run(_fake(_card(), _Threshold(n_channels=4)), oblique_phantom())


def test_image_with_colour_is_refused_by_a_model_of_two_channels() -> None:
    card = _with_input(_card(), channels=("T1", "T2"))
    picture = MedImage(
        np.zeros((3, 1, 20, 20), dtype=np.uint8), Geometry.flat(20, 20), "photo", channel_kind=ChannelKind.COLOUR
    )
    with pytest.raises(CardError, match="photo: 3 channels, but the model takes 2"):
        _run(_fake(card, _Threshold()), picture)


def test_missing_weights_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"models/model\.safetensors are missing"):
        load_model(ModelPackage(_card(), tmp_path), LoadSettings("cpu"))


def test_damaged_weights_are_a_sentence(tmp_path: Path) -> None:
    package = _save(_card(), tmp_path)
    whole = package.weights_path.read_bytes()
    package.weights_path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CardError, match="SHA-256 differs"):
        load_model(package, LoadSettings("cpu"))
    unsigned = replace(package, card=package.card.model_copy(update={"weights_sha256": ""}))
    with pytest.raises(CardError, match="not a whole safetensors file"):
        load_model(unsigned, LoadSettings("cpu"))


def test_weights_of_another_network_are_a_sentence(tmp_path: Path) -> None:
    package = _save(_card(), tmp_path)
    wider = package.card.network.model_copy(update={"arguments": {**_UNET, "features": [4, 4, 4, 4, 6, 4]}})
    with pytest.raises(CardError, match=r"do not fit .*have another shape, such as 'down_4"):
        load_model(replace(package, card=package.card.model_copy(update={"network": wider})), LoadSettings("cpu"))


def test_parameter_without_weights_is_refused(tmp_path: Path) -> None:
    package = _save(_card(), tmp_path)
    state = build_network(package.card.network).state_dict()
    del state["final_conv.bias"]
    save_file(state, package.weights_path)
    card = package.card.model_copy(update={"weights_sha256": ""})
    with pytest.raises(CardError, match=r"1 are missing, such as 'final_conv\.bias'"):
        load_model(replace(package, card=card), LoadSettings("cpu"))


def test_foreign_fingerprint_is_refused(tmp_path: Path) -> None:
    package = _save(_card(), tmp_path)
    assert package.card.fingerprint is not None
    values = (*package.card.fingerprint.values[:-1], package.card.fingerprint.values[-1] + 0.5)
    card = package.card.model_copy(update={"fingerprint": Fingerprint(values=values)})
    with pytest.raises(CardError, match="does not answer as its card says"):
        load_model(replace(package, card=card), LoadSettings("cpu"))


def test_patch_that_the_network_cannot_take_is_a_sentence(tmp_path: Path) -> None:
    package = _save(_card(), tmp_path)
    card = _with_input(package.card, patch_vox=(8, 16, 16), divisible_by=1)  # too small to be halved four times
    with pytest.raises(CardError, match=r"cannot take a patch of \(8, 16, 16\)"):
        load_model(replace(package, card=card), LoadSettings("cpu"))


def test_loading_leaves_random_numbers_alone(tmp_path: Path) -> None:
    package = _save(_card(), tmp_path)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    load_model(package, LoadSettings("cpu"))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a computer without an NVIDIA GPU")
def test_absent_device_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="no GPU for 'cuda'"):
        load_model(_save(_card(), tmp_path), LoadSettings("cuda"))


def test_unknown_device_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="Did you mean 'cuda'"):
        load_model(_save(_card(), tmp_path), LoadSettings("cudo"))


def test_overlap_of_one_is_refused() -> None:
    with pytest.raises(OptionError, match="overlap is 1, but must be"):
        RunSettings(overlap=1.0)
