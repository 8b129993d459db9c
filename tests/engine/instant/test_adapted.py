"""What a head learned travels in the model's own weights, to other images and to files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_models import SCHEMA, Steps, card, dice, model, run, two_dark_blocks, volume
from torch import nn

from napari_medclf.domain.errors import CardError, GridError
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.instant.across import learn_from
from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.features import LastLayer, find_last_layers
from napari_medclf.engine.instant.head import InstantHead
from napari_medclf.engine.instant.settings import InstantSettings
from napari_medclf.engine.nets.members import Members

_ALL = InstantSettings(reach="image", near_vox=0.01)


def _said(truth):
    rng = np.random.default_rng(0)
    voxels = np.concatenate([rng.permutation(np.argwhere(truth == value))[:40] for value in (0, 1)])
    return Corrections(voxels, truth[tuple(voxels.T)])


def _head(loaded, settings=_ALL):
    samples, truth = two_dark_blocks()
    head = run(InstantHead.begin(loaded, volume(samples), None, settings))
    return head, truth


def _two():
    return Members([Steps(), Steps(gray_from=0.45)])


@pytest.mark.parametrize(
    ("network", "output"),
    [
        (Steps, OutputSpec(schema=SCHEMA)),
        (_two, OutputSpec(schema=SCHEMA, n_members=2)),
        (lambda: nn.Sequential(Steps(), nn.Softmax(dim=1)), OutputSpec(schema=SCHEMA, is_activated=True)),
    ],
    ids=["one", "members", "probabilities"],
)
def test_the_adapted_model_answers_as_the_head_on_its_image_and_learns_for_others(network, output):
    loaded = model(network(), card(output=output))
    head, truth = _head(loaded)
    before = run(loaded.predict(head.scene.image)).segmentation.labels
    head.refit(_said(truth))
    adapted = head.adapted_model()
    samples, _ = two_dark_blocks()
    found = run(adapted.predict(volume(samples))).segmentation.labels
    assert (found != head.labels()).mean() < 0.003  # features were kept in half precision
    assert dice(before, truth) < 0.2
    assert dice(found, truth) > 0.95
    mirrored = run(adapted.predict(volume(samples[:, :, ::-1].copy()))).segmentation.labels
    assert dice(mirrored, truth[:, :, ::-1]) > 0.95
    np.testing.assert_array_equal(run(loaded.predict(head.scene.image)).segmentation.labels, before)


def test_new_weights_have_their_own_digest_and_nothing_learned_is_the_model_itself():
    loaded = model()
    head, truth = _head(loaded)
    assert head.adapted_model() is loaded
    head.refit(_said(truth))
    digests = {head.adapted_model().card.weights_sha256 for _ in range(2)}
    assert len(digests) == 1
    assert digests != {loaded.card.weights_sha256}


def test_last_layers_are_found_where_they_make_the_answer():
    inputs = torch.rand(1, 1, 4, 5, 6)
    assert find_last_layers(Steps(), inputs) == (LastLayer("final", 0),)
    assert find_last_layers(_two(), inputs) == (LastLayer("networks.0.final", 0), LastLayer("networks.1.final", 3))
    assert find_last_layers(nn.Sequential(Steps(), nn.Tanh()), inputs) == ()
    assert find_last_layers(lambda x: x, inputs) == ()
    program = torch.jit.trace(Steps(), inputs)
    assert find_last_layers(program, inputs) == ()


def test_a_torchscript_program_follows_strokes_by_its_image():
    program = torch.jit.trace(Steps(), torch.rand(1, 1, 8, 16, 16))
    head, truth = _head(model(program), InstantSettings())
    before = dice(head.labels(), truth)
    head.refit(_said(truth))
    assert not head.is_of_last_layer
    assert dice(head.labels(), truth) > max(before, 0.8)


def _lessons(loaded, changed):
    samples, truth = two_dark_blocks()
    lessons = []
    for axis in range(3):
        head = run(InstantHead.begin(loaded, volume(np.flip(samples, axis).copy())))
        lessons.append(head.lesson(changed(np.flip(truth, axis).copy(), axis)))
    return lessons


def test_lessons_teach_the_next_image():
    loaded = model()
    learned = learn_from(loaded, _lessons(loaded, lambda truth, axis: truth))
    assert learned.strength > 0
    assert learned.error_after < learned.error_before / 2
    samples, truth = two_dark_blocks()
    other = run(learned.model.predict(volume(samples[::-1, ::-1].copy()))).segmentation.labels
    assert dice(other, truth[::-1, ::-1]) > 0.95


def test_too_few_lessons_and_lessons_without_sense_change_nothing():
    loaded = model()
    few = learn_from(loaded, _lessons(loaded, lambda truth, axis: truth)[:2])
    assert few.model is loaded
    noise = np.random.default_rng(0)
    wrong = learn_from(
        loaded, _lessons(loaded, lambda truth, axis: noise.permutation(truth.ravel()).reshape(truth.shape))
    )
    assert wrong.error_after <= wrong.error_before


def test_lessons_are_of_whole_images_and_of_one_network():
    loaded = model()
    head, truth = _head(loaded)
    with pytest.raises(GridError, match="do not fit an image"):
        head.lesson(truth[1:])
    with pytest.raises(CardError, match="none of these"):
        learn_from(loaded, [])


def test_an_adapted_model_can_be_packaged_and_read_again(tmp_path):
    from safetensors.torch import save

    from napari_medclf.domain.card import NetworkSpec
    from napari_medclf.domain.run import RunSpec
    from napari_medclf.domain.run_settings import LoadSettings
    from napari_medclf.engine.model import load_model
    from napari_medclf.engine.networks import build_network
    from napari_medclf.store.bundle import read_package, write_package

    spec = NetworkSpec(
        target="monai.networks.nets.BasicUNet",
        arguments={"spatial_dims": 3, "in_channels": 1, "out_channels": 3, "features": [4, 4, 4, 4, 4, 4]},
    )
    torch.manual_seed(0)
    of = card(network=spec)
    of = of.model_copy(update={"input": of.input.model_copy(update={"divisible_by": 16, "patch_vox": (32, 32, 32)})})
    head, truth = _head(model(build_network(spec), of))
    head.refit(_said(truth))
    adapted = head.adapted_model()
    weights = save({name: one.contiguous() for name, one in adapted.network.state_dict().items()})
    run_spec = RunSpec(command="adapt", options={})
    unsigned = adapted.card.model_copy(update={"weights_sha256": ""})
    write_package(tmp_path / "steps", unsigned, weights, run_spec, "")
    again = load_model(read_package(tmp_path / "steps"), LoadSettings("cpu", runtime="torch"))
    image = head.scene.image
    np.testing.assert_array_equal(
        run(again.predict(image)).segmentation.labels, run(adapted.predict(image)).segmentation.labels
    )
