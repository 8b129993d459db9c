"""ONNX files run as their graphs say: sizes, order of axes, several inputs, activations; wrong ones are refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper

from napari_medclf.backends.onnx.backend import OnnxBackend
from napari_medclf.backends.onnx.fit import fit_card
from napari_medclf.backends.onnx.graph import is_onnx, ports_of, read_graph
from napari_medclf.backends.onnx.network import OnnxNetwork
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.runtimes.onnx_session import open_session
from napari_medclf.testing.check_backend import check_backend

_TWO = {"channels": ("T1", "T2")}
_THREE = ("white", "gray")  # and background


def _network(path: Path, card: Any) -> tuple[OnnxNetwork, Any]:
    graph = read_graph(path)
    card = fit_card(card, graph, str(path))
    return OnnxNetwork(open_session(str(path)), graph, card), card


def _mixed(mix: Any, x: Any) -> Any:
    return np.einsum("oc,nc...->no...", mix[:, :, 0, 0], x)


def _conv(source: str = "x", target: str = "y") -> Any:
    return helper.make_node("Conv", [source, "w"], [target])


def test_fixed_sizes_become_the_window_and_batches_are_split(
    write_onnx: Any, mix: Any, make_card: Any, noise: Any
) -> None:
    path = write_onnx([_conv()], {"w": mix}, {"x": [1, 2, 20, 12]}, {"y": [1, 3, 20, 12]})
    network, card = _network(path, make_card(_THREE, input={**_TWO, "divisible_by": 8}))
    assert card.input.patch_vox == (20, 12)
    assert card.input.divisible_by == 1
    x = noise(3, 2, 20, 12)
    np.testing.assert_allclose(network(torch.from_numpy(x)).numpy(), _mixed(mix, x), atol=1e-5)


def test_dynamic_axes_keep_the_cards_window(write_onnx: Any, mix: Any, make_card: Any, noise: Any) -> None:
    path = write_onnx([_conv()], {"w": mix}, {"x": ["n", 2, "h", "w_"]}, {"y": ["n", 3, "h", "w_"]})
    network, card = _network(path, make_card(_THREE, input=_TWO))
    assert card.input.patch_vox == (16, 24)
    x = noise(2, 2, 8, 30)
    np.testing.assert_allclose(network(torch.from_numpy(x)).numpy(), _mixed(mix, x), atol=1e-5)


def test_channels_may_stand_last(write_onnx: Any, mix: Any, make_card: Any, noise: Any) -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["first"], perm=[0, 3, 1, 2]),
        _conv("first", "scores"),
        helper.make_node("Transpose", ["scores"], ["y"], perm=[0, 2, 3, 1]),
    ]
    path = write_onnx(nodes, {"w": mix}, {"x": [1, 16, 24, 2]}, {"y": [1, 16, 24, 3]})
    network, card = _network(path, make_card(_THREE, input=_TWO))
    assert card.network.arguments == {"input_axes": "byxc", "output_axes": "byxc"}
    x = noise(1, 2, 16, 24)
    np.testing.assert_allclose(network(torch.from_numpy(x)).numpy(), _mixed(mix, x), atol=1e-5)


def test_several_inputs_take_their_channels_in_order(write_onnx: Any, mix: Any, make_card: Any, noise: Any) -> None:
    nodes = [helper.make_node("Concat", ["t1", "t2"], ["x"], axis=1), _conv()]
    shapes = {"t1": [1, 1, 16, 24], "t2": [1, 1, 16, 24]}
    network, card = _network(
        write_onnx(nodes, {"w": mix}, shapes, {"y": [1, 3, 16, 24]}), make_card(_THREE, input=_TWO)
    )
    assert card.network.arguments["input_channels"] == [1, 1]
    x = noise(1, 2, 16, 24)
    np.testing.assert_allclose(network(torch.from_numpy(x)).numpy(), _mixed(mix, x), atol=1e-5)


@pytest.mark.parametrize(("kind", "activation"), [("Softmax", "softmax"), ("Sigmoid", "sigmoid")])
def test_activation_inside_the_graph_is_not_applied_again(
    write_onnx: Any, mix: Any, make_card: Any, kind: str, activation: str
) -> None:
    extra = {"axis": 1} if kind == "Softmax" else {}
    nodes = [
        _conv(target="z"),
        helper.make_node(kind, ["z"], ["p"], **extra),
        helper.make_node("Identity", ["p"], ["y"]),
    ]
    path = write_onnx(nodes, {"w": mix}, {"x": [1, 2, 16, 24]}, {"y": [1, 3, 16, 24]})
    _, card = _network(path, make_card(_THREE, input=_TWO, output={"activation": activation}))
    assert card.output.is_activated


def test_logits_stay_logits(write_onnx: Any, mix: Any, make_card: Any) -> None:
    path = write_onnx([_conv()], {"w": mix}, {"x": [1, 2, 16, 24]}, {"y": [1, 3, 16, 24]})
    assert not _network(path, make_card(_THREE, input=_TWO))[1].output.is_activated


def test_classifier_takes_the_whole_picture_at_the_graphs_size(
    write_onnx: Any, mix: Any, make_card: Any, noise: Any
) -> None:
    nodes = [_conv(target="z"), helper.make_node("GlobalAveragePool", ["z"], ["y"])]
    path = write_onnx(nodes, {"w": mix}, {"x": [1, 2, 16, 24]}, {"y": [1, 3, 1, 1]})
    network, card = _network(path, make_card(("a", "b", "c"), task=Task.CLASSIFY, input=_TWO))
    assert card.input.resize_to == (16, 24)
    x = noise(1, 2, 16, 24)
    np.testing.assert_allclose(network(torch.from_numpy(x)).numpy(), _mixed(mix, x).mean((2, 3)), atol=1e-5)


def test_half_precision_input_is_cast(write_onnx: Any, mix: Any, make_card: Any, noise: Any) -> None:
    half, shape = TensorProto.FLOAT16, [1, 2, 16, 24]
    weights = {"w": mix.astype(np.float16)}
    path = write_onnx([_conv()], weights, {"x": shape}, {"y": [1, 3, 16, 24]}, kind=half, output_kind=half)
    network, _ = _network(path, make_card(_THREE, input=_TWO))
    x = noise(1, 2, 16, 24)
    answer = network(torch.from_numpy(x))
    assert answer.dtype is torch.float32
    np.testing.assert_allclose(answer.numpy(), _mixed(mix, x), atol=0.02)


def test_without_the_package_onnx_the_session_says_the_same(write_onnx: Any, mix: Any) -> None:
    path = write_onnx([_conv()], {"w": mix}, {"x": ["n", 2, 16, 24]}, {"y": ["n", 3, 16, 24]})
    assert ports_of(open_session(str(path))).inputs == read_graph(path).inputs
    assert ports_of(open_session(str(path))).outputs == read_graph(path).outputs


def test_card_that_is_missing_is_asked_for_with_what_the_graph_says(write_onnx: Any, mix: Any) -> None:
    path = write_onnx([_conv()], {"w": mix}, {"x": ["n", 2, 16, 24]}, {"y": ["n", 3, 16, 24]})
    with pytest.raises(CardError, match=r"it takes x \(any, 2, 16, 24\) and returns y .*put a medclf.json beside it"):
        OnnxBackend().read(path)


@pytest.mark.parametrize(
    ("classes", "channels", "sentence"),
    [(("one",), ("T1", "T2"), "returns 3 channels, but its card says 2"), (_THREE, ("T1",), "takes 2 channels, but")],
)
def test_card_of_another_network_is_refused(
    write_onnx: Any, mix: Any, make_card: Any, classes: Any, channels: Any, sentence: str
) -> None:
    path = write_onnx([_conv()], {"w": mix}, {"x": [1, 2, 16, 24]}, {"y": [1, 3, 16, 24]})
    with pytest.raises(CardError, match=sentence):
        OnnxBackend().read(path, make_card(classes, input={"channels": channels}))


def test_labels_in_place_of_scores_are_refused(write_onnx: Any, mix: Any, make_card: Any) -> None:
    nodes = [_conv(target="z"), helper.make_node("ArgMax", ["z"], ["y"], axis=1, keepdims=1)]
    shapes = {"x": [1, 2, 16, 24]}, {"y": [1, 1, 16, 24]}
    path = write_onnx(nodes, {"w": mix}, *shapes, output_kind=TensorProto.INT64)
    with pytest.raises(CardError, match=r"whole numbers \(labels\)"):
        OnnxBackend().read(path, make_card(_THREE, input=_TWO))


def test_operation_from_elsewhere_is_named(write_onnx: Any, mix: Any) -> None:
    nodes = [helper.make_node("ReadMyDisk", ["x", "w"], ["y"], domain="org.elsewhere")]
    shapes = {"x": [1, 2, 16, 24]}, {"y": [1, 3, 16, 24]}
    path = write_onnx(nodes, {"w": mix}, *shapes, domains=("org.elsewhere",))
    with pytest.raises(CardError, match="needs the operation 'ReadMyDisk' of 'org.elsewhere'"):
        OnnxBackend().read(path)


def test_graph_without_weights_is_refused(write_onnx: Any) -> None:
    path = write_onnx([helper.make_node("Relu", ["x"], ["y"])], {}, {"x": [1, 2, 8, 8]}, {"y": [1, 2, 8, 8]})
    with pytest.raises(CardError, match="holds no weights"):
        OnnxBackend().read(path)


def test_weights_that_are_not_numbers_are_refused(write_onnx: Any, mix: Any) -> None:
    mix[1, 1] = np.nan
    path = write_onnx([_conv()], {"w": mix}, {"x": [1, 2, 16, 24]}, {"y": [1, 3, 16, 24]})
    with pytest.raises(CardError, match="'w' holds numbers that are not finite"):
        OnnxBackend().read(path)


def _with_external(path: Path, location: str, size: int) -> None:
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(size))):
        tensor.external_data.add(key=key, value=value)
    onnx.save(model, str(path))


@pytest.mark.parametrize("location", ["../outside.bin", "{folder}/outside.bin", "link.bin", "a/../../outside.bin", ""])
def test_weights_outside_of_the_folder_are_refused(
    write_onnx: Any, mix: Any, make_card: Any, tmp_path: Path, location: str
) -> None:
    (tmp_path / "model").mkdir()
    path = write_onnx([_conv()], {"w": mix}, {"x": [1, 2, 16, 24]}, {"y": [1, 3, 16, 24]}, name="model/m.onnx")
    (tmp_path / "outside.bin").write_bytes(mix.tobytes())
    os.symlink(tmp_path / "outside.bin", tmp_path / "model" / "link.bin")
    _with_external(path, location.format(folder=tmp_path), mix.nbytes)
    with pytest.raises(CardError, match="outside of its folder"):
        OnnxBackend().read(path, make_card(_THREE, input=_TWO))


def test_weights_in_a_file_beside_it_belong_to_the_model(
    write_onnx: Any, mix: Any, make_card: Any, tmp_path: Path, noise: Any
) -> None:
    path = write_onnx([_conv()], {"w": mix}, {"x": [1, 2, 16, 24]}, {"y": [1, 3, 16, 24]})
    (tmp_path / "w.bin").write_bytes(mix.tobytes())
    _with_external(path, "w.bin", mix.nbytes)
    package = OnnxBackend().read(path, make_card(_THREE, input=_TWO))
    assert package.files == (path, tmp_path / "w.bin")
    x = noise(1, 2, 16, 24)
    network, _ = _network(path, package.card)
    np.testing.assert_allclose(network(torch.from_numpy(x)).numpy(), _mixed(mix, x), atol=1e-5)
    (tmp_path / "w.bin").unlink()
    with pytest.raises(CardError, match="missing beside it"):
        OnnxBackend().read(path, make_card(_THREE, input=_TWO))


def test_file_cut_anywhere_is_refused(write_onnx: Any, mix: Any, make_card: Any) -> None:
    path = write_onnx([_conv()], {"w": mix}, {"x": [1, 2, 16, 24]}, {"y": [1, 3, 16, 24]})
    whole = path.read_bytes()
    assert is_onnx(path)
    for part in (0.05, 0.3, 0.6, 0.9, 0.99):
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(CardError) as raised:
            OnnxBackend().load(OnnxBackend().read(path, make_card(_THREE, input=_TWO)))
        assert "\n" not in str(raised.value)


def _predict(path: Path, card: Any, image: MedImage) -> Any:
    backend = OnnxBackend()
    job = backend.load(backend.read(path, card), LoadSettings("cpu", runtime="torch")).predict(image)
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("is_inside", [False, True])
def test_scores_are_the_same_with_softmax_inside_or_outside(
    write_onnx: Any, mix: Any, make_card: Any, noise: Any, is_inside: bool
) -> None:
    nodes = [_conv(target="z"), helper.make_node("GlobalAveragePool", ["z"], ["m"])]
    nodes += [helper.make_node("Flatten", ["m"], ["f"])]
    last = helper.make_node("Softmax" if is_inside else "Identity", ["f"], ["y"], **({"axis": 1} if is_inside else {}))
    path = write_onnx([*nodes, last], {"w": mix}, {"x": [1, 2, 16, 24]}, {"y": [1, 3]})
    x = noise(2, 1, 16, 24)
    image = MedImage(x, Geometry.flat(16, 24), "two", channel_kind=ChannelKind.CHANNEL, channel_names=("T1", "T2"))
    card = make_card(("a", "b", "c"), task=Task.CLASSIFY, input=_TWO)
    scores = _predict(path, card, image).classification.scores
    logits = _mixed(mix, x[None, :, 0]).mean((2, 3))[0]
    np.testing.assert_allclose(list(scores.values()), np.exp(logits) / np.exp(logits).sum(), atol=1e-5)


@pytest.mark.parametrize("is_inside", [False, True])
def test_threshold_holds_for_the_probability(write_onnx: Any, make_card: Any, noise: Any, is_inside: bool) -> None:
    """One channel without background: a voxel is labelled from a probability of 0.3 on."""
    kernel = np.full((1, 1, 1, 1), 2.0, np.float32)
    last = helper.make_node("Sigmoid" if is_inside else "Identity", ["z"], ["y"])
    path = write_onnx([_conv(target="z"), last], {"w": kernel}, {"x": [1, 1, 16, 24]}, {"y": [1, 1, 16, 24]})
    output = {"activation": "sigmoid", "has_background_channel": False, "thresholds": {"spot": 0.3}}
    x = noise(1, 16, 24)
    labels = _predict(path, make_card(("spot",), output=output), MedImage(x, Geometry.flat(16, 24), "x")).segmentation
    np.testing.assert_array_equal(labels.labels > 0, 1 / (1 + np.exp(-2.0 * x.astype(np.float64))) >= 0.3)


def test_backend_keeps_its_word(write_onnx: Any, make_card: Any, tmp_path: Path) -> None:
    kernel = np.random.default_rng(1).standard_normal((2, 1, 3, 3)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    path = write_onnx([node], {"w": kernel}, {"x": ["n", 1, "h", "v"]}, {"y": ["n", 2, "h", "v"]})
    assert check_backend(OnnxBackend(), path, tmp_path / "scratch", card=make_card()) == ()
