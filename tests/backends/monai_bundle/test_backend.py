"""The backend keeps the word that all backends give."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from zoo_configs import make_inference, make_metadata

from napari_medclf.backends.monai_bundle.backend import MonaiBundleBackend
from napari_medclf.backends.registry import open_model
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.check_backend import check_backend

WriteBundle = Callable[..., Path]
_LOAD = {"_target_": "LoadImaged", "keys": "image"}
_SEGMENT: dict[str, Any] = {
    "network_def": {
        "_target_": "UNet",
        "spatial_dims": 3,
        "in_channels": 1,
        "out_channels": 3,
        "channels": [4, 8],
        "strides": [2],
    },
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            _LOAD,
            {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
            {"_target_": "Spacingd", "keys": "image", "pixdim": [1.5, 1.5, 2.0]},
            {"_target_": "NormalizeIntensityd", "keys": "image"},
        ],
    },
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 16]},
    "postprocessing": {"_target_": "Compose", "transforms": [{"_target_": "Activationsd", "softmax": True}]},
}
_NAMES = {"0": "background", "1": "a", "2": "b"}
_METADATA: dict[str, Any] = {"version": "2", "network_data_format": {"outputs": {"pred": {"channel_def": _NAMES}}}}
_LUNG = "lung_nodule_ct_detection"


def _state(config: dict[str, Any]) -> dict[str, Any]:
    import torch
    from monai.bundle import ConfigParser

    torch.manual_seed(8)
    network = ConfigParser(json.loads(json.dumps(config))).get_parsed_content("network_def")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2)
    return network.state_dict()


@pytest.mark.slow
def test_backend_keeps_its_word(write_bundle: WriteBundle, tmp_path: Path) -> None:
    folder = write_bundle(_SEGMENT, _METADATA, _state(_SEGMENT), name="small")
    files = ("configs/inference.json", "models/model.pt")
    assert check_backend(MonaiBundleBackend(), folder, tmp_path / "scratch", files=files) == ()


def test_a_bundle_is_found_by_its_content(write_bundle: WriteBundle) -> None:
    package = open_model(write_bundle(_SEGMENT, _METADATA, name="a bundle, with spaces"))
    assert package.card.backend == "monai_bundle"
    assert package.name == "a-bundle-with-spaces"
    assert package.card.version == "2"


def test_a_bundle_without_metadata_runs_with_numbered_classes(write_bundle: WriteBundle) -> None:
    card = MonaiBundleBackend().read(write_bundle(_SEGMENT)).card
    assert card.schema_.names == ("class 1", "class 2")
    assert any("numbered" in one for one in card.limits)


def test_published_numbers_references_and_licence_are_kept(write_bundle: WriteBundle) -> None:
    said = {"eval_metrics": {"mean_dice": {"a": 0.9}}, "references": ["A paper. 2020"], "license": "Apache-2.0"}
    card = MonaiBundleBackend().read(write_bundle(_SEGMENT, _METADATA | said)).card
    assert card.metrics["published/mean_dice/a"].value == 0.9
    assert card.data[0].attribution == "A paper. 2020"
    assert card.licence == "Apache-2.0"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16]}}, "3 whole numbers"),
        ({"inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 16], "overlap": 1.5}}, "overlap by 1.5"),
        ({"inferer": {"_target_": "scripts.Mine"}}, r"scripts\.Mine, which is not known here"),
        ({"network_def": {**_SEGMENT["network_def"], "_target_": "Unett"}}, r"\."),
        ({"network_def": None, "x": 1}, "names no network"),
        ({"preprocessing": [{**_LOAD}, {"_target_": "Spacingd", "pixdim": [1, 1, 0]}]}, "keeps its own spacing"),
        ({"preprocessing": [{**_LOAD}, {"_target_": "Spacingd", "pixdim": ["a"]}]}, "numbers were expected"),
        ({"preprocessing": [{**_LOAD}, {"_target_": "Spacingd", "pixdim": [1, 1, 1], "mode": "nearest"}]}, "'nearest'"),
        ({"preprocessing": [{**_LOAD}, {"_target_": "Orientationd", "axcodes": "XYZ"}]}, "."),
        ({"preprocessing": [{**_LOAD}, {"_target_": "ScaleIntensityRanged", "a_min": "low", "a_max": 1}]}, "numbers"),
        ({"network_def": {**_SEGMENT["network_def"], "out_channels": 10**30}}, "it is empty"),
        ({"preprocessing": [{**_LOAD}, {"_target_": "Orientationd", "axcodes": [1, 2]}]}, "do not name three axes"),
        ({"preprocessing": [{**_LOAD}, {"_target_": "Lambdad", "func": "$lambda x: x * 2"}]}, "Lambda is applied"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(write_bundle: WriteBundle, changed: dict[str, Any], reason: str) -> None:
    from napari_medclf.backends import registry

    folder = write_bundle(_SEGMENT | changed, _METADATA, {})
    with pytest.raises(CardError, match=reason) as refusal:
        registry.load(MonaiBundleBackend().read(folder), LoadSettings("cpu", runtime="torch"))
    assert "\n" not in str(refusal.value)


def test_a_detector_finds_the_boxes_that_monais_finds(write_bundle: WriteBundle) -> None:
    """The lung nodule bundle's configuration with a smaller backbone, on an image of one window."""
    import torch
    from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
    from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape

    config, metadata = make_inference(_LUNG) | {"window": [48, 32, 24]}, make_metadata(_LUNG)
    config["backbone"] = (
        "$monai.networks.nets.resnet.ResNet('basic', [1, 1, 1, 1], [8, 16, 32, 64], spatial_dims=3, "
        "n_input_channels=1, conv1_t_stride=[2, 2, 1], conv1_t_size=[7, 7, 7])"
    )
    bare = write_bundle(config, metadata, name="bare")
    torch.manual_seed(1)
    network: Any = _network_of(bare)
    with torch.no_grad():
        for parameter in network.classification_head.parameters():
            parameter.mul_(4)
    folder = write_bundle(config, metadata, network.state_dict(), name="detector")
    hu = np.random.default_rng(3).integers(-1000, 300, (24, 32, 48)).astype(np.int16)
    affine = np.array(
        [[0, 0, 0.703125, 0], [0, 0.703125, 0, 0], [1.25, 0, 0, 0], [0, 0, 0, 1]]
    )  # LPS: x, y flip to RAS
    backend = MonaiBundleBackend()
    outcome = drive(
        backend.load(backend.read(folder), LoadSettings("cpu", runtime="torch")).predict(
            MedImage(hu, Geometry(affine, hu.shape), "lung", modality="CT")
        )
    )
    assert outcome.result is not None, outcome
    found = outcome.result.detection
    assert found is not None

    detector = RetinaNetDetector(
        network.eval(), AnchorGeneratorWithAnchorShape((1, 2, 4), ((6, 8, 4), (8, 6, 5), (10, 10, 6)))
    )
    detector.eval().set_box_selector_parameters(
        score_thresh=0.02, topk_candidates_per_level=1000, nms_thresh=0.22, detections_per_img=300
    )
    ras = (np.clip(hu.T[::-1, ::-1], -1024, 300) + 1024) / np.float32(1324)
    with torch.no_grad():
        theirs = detector([torch.from_numpy(ras[np.newaxis].astype(np.float32))], use_inferer=False)[0]
    ours = found.boxes[:, :, ::-1].copy()  # (k, j, i) to (i, j, k)
    ours[:, :, :2] = (np.array([47, 31]) - ours[:, :, :2])[:, ::-1]
    wanted = np.column_stack([theirs["boxes"].numpy(), theirs["labels_scores"].numpy()])
    # MONAI cuts boxes at 0 and n, ours at the outer edges of the voxels: -0.5 and n - 0.5.
    is_inner = (wanted[:, :3] > 0).all(axis=1) & (wanted[:, 3:6] < np.array([47, 31, 23])).all(axis=1)
    rows = np.column_stack([ours.reshape(-1, 6), found.scores])
    missed = [np.abs(rows - one).max(axis=1).min() > 1e-2 for one in wanted[is_inner]]
    assert len(missed) > 20
    assert sum(missed) <= 0.05 * len(missed)  # one that an edge's box suppressed
    assert len(found) == pytest.approx(len(wanted), rel=0.05)


def _network_of(folder: Path) -> Any:
    from napari_medclf.backends.monai_bundle.files import read_bundle
    from napari_medclf.backends.monai_bundle.network import as_spec, describe_network
    from napari_medclf.engine.networks import build_network

    return build_network(as_spec(describe_network(read_bundle(folder))[1]), folder)
