"""Descriptions of the BioImage Model Zoo, versions 0.4 and 0.5, become cards, or say what is missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from napari_medclf.backends.bioimageio.description import find_description
from napari_medclf.backends.registry import open_model
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.input_spec import Intensity
from napari_medclf.engine.prepare import prepare

_OLD: dict[str, Any] = {
    "format_version": "0.4.10",
    "type": "model",
    "name": "Cells / brightfield",
    "license": "CC-BY-4.0",
    "description": "Foreground and boundaries.",
    "authors": [{"name": "A. Author;@zoo"}],
    "inputs": [
        {
            "name": "raw",
            "axes": "bczyx",
            "shape": {"min": [1, 1, 16, 32, 32], "step": [0, 0, 8, 16, 16]},
            "preprocessing": [
                {"name": "scale_range", "kwargs": {"axes": "zyx", "min_percentile": 1, "max_percentile": 99.8}},
                {"name": "clip", "kwargs": {"min": -1.0, "max": 2.0}},
            ],
        }
    ],
    "outputs": [
        {
            "name": "out",
            "axes": "bczyx",
            "shape": [1, 2, 16, 32, 32],
            "channel_names": ["foreground", "boundary"],
            "halo": [0, 0, 4, 24, 24],
            "postprocessing": [{"name": "sigmoid"}],
        }
    ],
    "weights": {"torchscript": {"source": "weights.pt", "sha256": "ab"}},
}


def _write(folder: Path, content: dict[str, Any], name: str = "rdf.yaml") -> Path:
    (folder / name).write_text(yaml.safe_dump(content))
    (folder / "weights.pt").write_bytes(b"weights")
    return folder


def test_version_04_is_read(tmp_path: Path) -> None:
    description = find_description(_write(tmp_path, _OLD))
    assert description is not None
    assert description.weights("torchscript") == tmp_path / "weights.pt"
    assert description.weights("onnx") is None
    card = description.card("torchscript", "torchscript")
    assert (card.name, card.licence, card.author, card.task) == (
        "Cells-brightfield",
        "CC-BY-4.0",
        "A. Author",
        Task.SEGMENT,
    )
    assert card.input.patch_vox == (96, 96, 96)
    assert card.input.overlap == 0.5  # twice 24 of 96
    assert card.input.intensity == Intensity(kind="percentile", low=1, high=99.8, is_clipped=False)
    assert card.input.then == (Intensity(kind="clip", low=-1, high=2),)
    assert card.schema_.names == ("foreground", "boundary")
    assert (card.output.activation, card.output.has_background_channel, card.output.is_activated) == (
        "sigmoid",
        False,
        False,
    )
    assert card.weights_sha256 == "ab"


def test_background_and_classes_are_told_apart(tmp_path: Path) -> None:
    output = {**_OLD["outputs"][0], "channel_names": ["background", "cell"], "postprocessing": [{"name": "softmax"}]}
    description = find_description(_write(tmp_path, {**_OLD, "outputs": [output]}))
    assert description is not None
    card = description.card("torchscript", "torchscript")
    assert card.schema_.names == ("cell",)
    assert (card.output.activation, card.output.has_background_channel) == ("softmax", True)


def test_order_of_axes_and_number_of_inputs_reach_the_network(tmp_path: Path) -> None:
    one = {"name": "a", "axes": "bxyc", "shape": [1, 64, 48, 1]}
    output = {"name": "out", "axes": "bxyc", "shape": [1, 64, 48, 1], "data_range": [0, 1]}
    content = {**_OLD, "inputs": [one, {**one, "name": "b"}], "outputs": [output]}
    description = find_description(_write(tmp_path, content))
    assert description is not None
    card = description.card("torchscript", "torchscript")
    assert card.input.axis_order == (0, 2, 1)
    assert card.input.patch_vox == (64, 48)
    assert len(card.input.channels) == 2
    assert card.network.arguments == {"input_axes": "bxyc", "output_axes": "bxyc", "input_channels": [1, 1]}
    assert card.output.is_activated


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"id": "zero_mean_unit_variance", "kwargs": {"axes": ["x", "y"]}}, lambda x: (x - x.mean()) / x.std()),
        ({"id": "scale_linear", "kwargs": {"gain": 0.5, "offset": -3.0}}, lambda x: x * 0.5 - 3),
        ({"id": "fixed_zero_mean_unit_variance", "kwargs": {"mean": 4.0, "std": 2.0}}, lambda x: (x - 4) / 2),
        ({"id": "scale_range", "kwargs": {"axes": ["x", "y"]}}, lambda x: (x - x.min()) / (x.max() - x.min())),
        ({"id": "clip", "kwargs": {"min": 2, "max": 30}}, lambda x: np.clip(x, 2, 30)),
        (
            {"id": "scale_range", "kwargs": {"axes": ["x", "y"], "min_percentile": 5, "max_percentile": 90}},
            lambda x: (x - np.percentile(x, 5)) / (np.percentile(x, 90) - np.percentile(x, 5)),
        ),
    ],
)
def test_preprocessing_is_what_the_zoo_defines(tmp_path: Path, step: dict[str, Any], expected: Any) -> None:
    axes = [{"type": "batch"}, {"type": "channel", "channel_names": ["raw"]}]
    space = [{"type": "space", "id": letter, "size": 20} for letter in "yx"]
    tensor = {"id": "raw", "axes": [*axes, *space], "preprocessing": [step]}
    output = {"id": "out", "axes": [*axes, *space], "postprocessing": [{"id": "sigmoid"}]}
    description = find_description(_write(tmp_path, {**_OLD, "inputs": [tensor], "outputs": [output]}))
    assert description is not None
    samples = np.random.default_rng(4).gamma(2.0, 8.0, (1, 20, 20)).astype(np.float32)
    spec = description.card("torchscript", "torchscript").input
    prepared = prepare(MedImage(samples, Geometry.flat(20, 20), "picture"), spec)
    np.testing.assert_allclose(np.asarray(prepared.data)[0], expected(samples.astype(np.float64)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"inputs": []}, "says nothing about its inputs"),
        ({"outputs": [_OLD["outputs"][0]] * 2}, "has 2 outputs"),
        ({"inputs": [{**_OLD["inputs"][0], "axes": "btcyx"}]}, "are not understood|not supported"),
        ({"inputs": [{**_OLD["inputs"][0], "preprocessing": [{"name": "stardist"}]}]}, "preprocessing 'stardist'"),
        ({"outputs": [{**_OLD["outputs"][0], "postprocessing": [{"name": "zoom"}]}]}, "postprocessing 'zoom'"),
        ({"inputs": [{**_OLD["inputs"][0], "preprocessing": "all"}]}, "no list of steps"),
        ({"inputs": "raw"}, "says nothing about its inputs"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    description = find_description(_write(tmp_path, {**_OLD, **change}))
    assert description is not None
    with pytest.raises(CardError, match=sentence) as raised:
        description.card("torchscript", "torchscript")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("source", ["/etc/hostname", "../weights.pt", "a/../../weights.pt", "..\\weights.pt"])
def test_weights_outside_of_the_folder_are_refused(tmp_path: Path, source: str) -> None:
    inner = tmp_path / "model"
    inner.mkdir()
    (tmp_path / "weights.pt").write_bytes(b"weights")
    _write(inner, {**_OLD, "weights": {"torchscript": {"source": source}}})
    with pytest.raises(CardError, match="outside of the folder"):
        find_description(inner).weights("torchscript")  # type: ignore[union-attr]


def test_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    inner = tmp_path / "model"
    inner.mkdir()
    _write(inner, {**_OLD, "weights": {"torchscript": {"source": "link.pt"}}})
    (tmp_path / "outside.pt").write_bytes(b"weights")
    os.symlink(tmp_path / "outside.pt", inner / "link.pt")
    with pytest.raises(CardError, match="leads out of the folder"):
        find_description(inner).weights("torchscript")  # type: ignore[union-attr]


def test_weights_on_the_web_are_not_fetched(tmp_path: Path) -> None:
    _write(tmp_path, {**_OLD, "weights": {"torchscript": {"source": "https://example.com/weights.pt"}}})
    assert find_description(tmp_path).weights("torchscript") is None  # type: ignore[union-attr]


def test_code_of_a_description_is_never_run(tmp_path: Path) -> None:
    (tmp_path / "rdf.yaml").write_text(f"weights: !!python/object/apply:os.system ['touch {tmp_path}/ran']\n")
    with pytest.raises(CardError, match="not plain YAML"):
        find_description(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("file", ["", "weights.onnx", "weights.pt"])
def test_nuclei_match_their_golden_output(shared_weights: Path, file: str) -> None:
    """Both files of the zoo's own example, through the card and our preparation, against its test tensors."""
    pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
    from napari_medclf.backends.registry import find_backend
    from napari_medclf.domain.run_settings import LoadSettings

    folder = shared_weights / "bioimageio_nuclei"
    package = open_model(folder / file)
    loaded: Any = find_backend(package.card.backend).load(package, LoadSettings("cpu", runtime="torch"))
    raw, golden = np.load(folder / "test_input.npy"), np.load(folder / "test_output.npy")[0, 0]
    image = MedImage(raw[0], Geometry.flat(512, 512), "nuclei")
    data = np.asarray(prepare(image, package.card.input).data)
    with torch.inference_mode():
        probability = torch.sigmoid(loaded.network(torch.from_numpy(data)[:, 0][None])).numpy()[0, 0]
    np.testing.assert_allclose(probability, golden, atol=1e-5, rtol=0)
    job = loaded.predict(image)
    prediction = _run(job)
    labels = np.asarray(prediction.segmentation.labels)[0]
    np.testing.assert_array_equal(labels > 0, golden >= 0.5)
    assert prediction.weights_sha256 == package.card.weights_sha256


def test_torchscript_stands_in_where_onnx_runtime_is_missing(
    shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_medclf.backends.onnx.backend import OnnxBackend

    monkeypatch.setattr(OnnxBackend, "unavailable_because", lambda self: "ONNX Runtime is not installed.")
    folder = shared_weights / "bioimageio_nuclei"
    assert open_model(folder).card.backend == "torchscript"
    assert open_model(folder / "weights.onnx").card.backend == "onnx"  # the sentence then says what to install


def _run(job: Any) -> Any:
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value
