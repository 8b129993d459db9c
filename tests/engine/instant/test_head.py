"""A few strokes put right what is like them, and leave the rest as the model said."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import Steps, card, dice, model, run, two_dark_blocks, volume

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError, GridError, SchemaError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.head import InstantHead
from napari_medclf.engine.instant.settings import InstantSettings
from napari_medclf.engine.model import load_model
from napari_medclf.engine.planning.plan import PlanError
from napari_medclf.testing.phantoms import oblique_phantom
from napari_medclf.testing.simulated_person import Hand, apply_stroke, next_stroke


def _at(*voxels, value=1):
    return Corrections(np.array(voxels), np.full(len(voxels), value))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"spacing_mm": (1.5, 1.5, 2.0), "axis_codes": "LPS"},
        {"spacing_mm": (4.0, 3.0, 3.0), "resampling": "linear"},
        {"crop": "nonzero", "axis_codes": "RAS"},
    ],
    ids=["same-grid", "finer-turned", "coarser", "cropped-turned"],
)
def test_before_any_stroke_the_labels_are_the_models_own(changes):
    spec = InputSpec(
        spatial_dims=3,
        channels=("gray",),
        intensity=Intensity(kind="window", low=-1000, high=2000),
        patch_vox=(8, 16, 16),
        **changes,
    )
    loaded, image = model(of=card(input=spec)), oblique_phantom()
    own = run(loaded.predict(image)).segmentation.labels
    head = run(InstantHead.begin(loaded, image))
    assert len(np.unique(own)) > 1
    np.testing.assert_array_equal(head.labels(), own)
    for axis in range(3):
        index = image.geometry.shape[axis] // 2
        labels, probability = head.slice_labels(axis, index)
        np.testing.assert_array_equal(labels, own.take(index, axis))
        assert probability.shape == labels.shape
        assert probability.min() > 0.3
    box = ((2, 5), (4, 13), (3, 20))
    np.testing.assert_array_equal(head.labels_in(box), own[tuple(slice(*one) for one in box)])


def test_one_stroke_labels_more_of_its_object_and_nothing_far_away():
    samples, truth = two_dark_blocks()
    head = run(InstantHead.begin(model(), volume(samples)))
    before = head.labels()
    assert dice(before, truth) < 0.2
    refit = head.refit(_at((3, 5, 6), (3, 6, 6), (3, 7, 7), (4, 8, 8)))
    after = head.labels()
    assert refit.n_corrections == 4
    assert refit.strength == 0
    assert dice(after[:7], truth[:7]) > 0.8
    assert not after[truth == 0].any()
    np.testing.assert_array_equal(after[8:, 14:, 22:], before[8:, 14:, 22:])


def test_strokes_that_agree_change_the_whole_image():
    samples, truth = two_dark_blocks()
    rng = np.random.default_rng(0)
    far = np.zeros((12, 20, 90), np.float32) + rng.normal(100, 20, (12, 20, 90))
    wide = np.concatenate([samples, far, samples], axis=2).astype(np.float32)
    shape = volume(wide).geometry.shape
    head = run(InstantHead.begin(model(), volume(wide)))
    lines = [(3, 5, range(5, 10)), (9, 11, range(18, 24)), (3, 9, range(5, 10))]
    strokes = [_at(*[(k, j, i) for i in across]) for k, j, across in lines]
    strengths = []
    said = Corrections.none()
    for stroke in strokes:
        said = said + stroke
        strengths.append(head.refit(said).strength)
    assert strengths[:2] == [0, 0]
    assert strengths[2] > 0.9
    untouched = head.labels()[:, :, 118:]
    assert dice(untouched, truth) > 0.9
    assert shape[2] == 146


def test_no_correction_brings_the_models_answer_back():
    samples, _ = two_dark_blocks()
    head = run(InstantHead.begin(model(), volume(samples)))
    before = head.labels()
    head.refit(_at((3, 5, 6)))
    assert (head.labels() != before).any()
    assert head.refit(Corrections.none()).n_corrections == 0
    np.testing.assert_array_equal(head.labels(), before)


def test_a_refit_depends_on_the_corrections_and_not_on_their_history():
    samples, _ = two_dark_blocks()
    wanted = Corrections(np.array([[3, 5, 6], [9, 11, 20], [0, 0, 0]]), np.array([1, 1, 0]))
    settings = InstantSettings(reach="image")
    fresh = run(InstantHead.begin(model(), volume(samples), None, settings))
    fresh.refit(wanted)
    used = run(InstantHead.begin(model(), volume(samples), None, settings))
    used.refit(_at((0, 1, 2), value=2))
    used.refit(wanted)
    assert (fresh.labels() != used.labels()).mean() < 0.002


def test_the_later_of_two_words_about_a_voxel_counts():
    samples, _ = two_dark_blocks()
    head = run(InstantHead.begin(model(), volume(samples)))
    head.refit(_at((3, 5, 6), value=2) + _at((3, 5, 6), value=1))
    assert set(np.unique(head.labels())) == {0, 1}


def test_a_region_is_labelled_alone_and_corrections_elsewhere_are_left_out():
    samples, _ = two_dark_blocks()
    region = ((1, 7), (2, 14), (3, 13))
    head = run(InstantHead.begin(model(), volume(samples), region))
    assert head.labels().shape == (6, 12, 10)
    assert head.slice_labels(1, 5).labels.shape == (6, 10)
    assert head.refit(_at((9, 11, 20))).n_corrections == 0
    with pytest.raises(GridError, match="not in the region"):
        head.slice_labels(0, 9)
    with pytest.raises(GridError, match="not inside of an image"):
        run(InstantHead.begin(model(), volume(samples), ((0, 99), (0, 2), (0, 2))))


def test_where_memory_is_short_a_region_around_the_focus_is_kept():
    samples, _ = two_dark_blocks()
    settings = InstantSettings(focus=(9, 15, 22), memory_bytes=300_000)
    head = run(InstantHead.begin(model(), volume(samples), None, settings))
    assert head.n_bytes <= 300_000
    assert all(a <= at < b for (a, b), at in zip(head.region, (9, 15, 22), strict=True))
    with pytest.raises(PlanError, match="no memory to keep features"):
        run(InstantHead.begin(model(), volume(samples), None, replace(settings, memory_bytes=1000)))


def test_strange_classes_and_other_tasks_are_refused():
    samples, _ = two_dark_blocks()
    head = run(InstantHead.begin(model(), volume(samples)))
    with pytest.raises(SchemaError, match="no class with the label value 7"):
        head.refit(_at((3, 5, 6), value=7))
    classifier = model(of=card(task=Task.CLASSIFY))
    with pytest.raises(CardError, match="labels voxels"):
        run(InstantHead.begin(classifier, volume(samples)))


def test_a_stroke_of_the_window_and_an_origin_map_say_the_same():
    shape = (4, 5, 6)
    voxels = np.array([7, 31, 64])
    stroke = Stroke(StrokeKind.PAINT, voxels, np.zeros(3, np.uint8), np.array([1, 1, 2], np.uint8))
    labels, origin = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    labels.flat[voxels], origin.flat[voxels] = [1, 1, 2], 1
    ours, theirs = Corrections.of_stroke(stroke, shape), Corrections.of_labels(labels, origin)
    np.testing.assert_array_equal(ours.voxels, theirs.voxels)
    np.testing.assert_array_equal(ours.values, theirs.values)
    with pytest.raises(GridError, match="different shapes"):
        Corrections.of_labels(labels, origin[:2])


def test_independent_classes_follow_strokes_too():
    samples, truth = two_dark_blocks()
    output = OutputSpec(schema=card().schema_, activation="sigmoid")
    network = Steps()
    with torch.no_grad():
        network.final.bias -= 2
    head = run(InstantHead.begin(model(network, card(output=output)), volume(samples)))
    before = head.labels()
    head.refit(_at((3, 5, 6), (3, 6, 6), (3, 7, 7)))
    assert dice(head.labels()[:7], truth[:7]) > dice(before[:7], truth[:7])


def test_a_network_whose_layers_cannot_be_heard_follows_strokes_by_its_image():
    samples, truth = two_dark_blocks()
    inner = model().network
    head = run(InstantHead.begin(model(lambda x: inner(x)), volume(samples)))
    assert not head.is_of_last_layer
    head.refit(_at((3, 5, 6), (3, 6, 6), (3, 7, 7), (4, 8, 8)))
    assert dice(head.labels()[:7], truth[:7]) > 0.6


def test_probabilities_instead_of_logits_are_understood():
    samples, _ = two_dark_blocks()
    inner = model().network
    output = OutputSpec(schema=card().schema_, is_activated=True)
    softmax = torch.nn.Sequential(inner, torch.nn.Softmax(dim=1))
    loaded = model(softmax, card(output=output))
    head = run(InstantHead.begin(loaded, volume(samples)))
    np.testing.assert_array_equal(head.labels(), run(loaded.predict(volume(samples))).segmentation.labels)
    head.refit(_at((3, 5, 6)))
    assert head.labels()[3, 5, 7] == 1


def test_objects_are_told_apart_after_a_stroke():
    samples, truth = two_dark_blocks()
    flat = samples[4:5]
    of = card(
        2,
        Task.INSTANCES,
        output=OutputSpec(
            schema=card().schema_.model_copy(update={"classes": card().schema_.classes[:1]}), instances="border"
        ),
    )
    head = run(InstantHead.begin(model(of=of), volume(flat, (1.0, 1.0, 1.0))))
    assert head.labels().max() == 0
    head.refit(_at((0, 5, 6), (0, 6, 6), (0, 7, 7), (0, 8, 8)))
    found = head.labels()
    assert found.max() == 1
    assert dice(found > 0, truth[4:5] > 0, True) > 0.7


@pytest.mark.parametrize(
    ("name", "image", "labels"),
    [
        ("hippocampus-mr", "hippocampus_msd/images/{}.nii.gz", "hippocampus_msd/labels/{}.nii.gz"),
        ("retina-vessels", "retina_chase_db1/{}.jpg", "retina_chase_db1/{}_1stHO.png"),
    ],
    ids=["hippocampus", "vessels"],
)
def test_strokes_raise_dice_on_the_unpainted_voxels_of_a_real_image_that_went_wrong(shared_data, name, image, labels):
    from napari_medclf.io.read import read_image
    from napari_medclf.jobs.models import find_model

    package = find_model(name)
    loaded = load_model(package, LoadSettings(device="cpu", runtime="torch"))
    case = "hippocampus_041" if name == "hippocampus-mr" else "Image_12R"
    picture = read_image(shared_data / image.format(case))
    truth = (
        np.asarray(read_image(shared_data / labels.format(case)).data).astype(np.int64).reshape(picture.geometry.shape)
    )
    if name == "retina-vessels":  # half of its light is missing, and red and blue are exchanged: another camera
        truth = (truth > 0).astype(np.int64)[:, 300:600, 300:600]
        data = np.round(np.asarray(picture.data)[::-1, :, 300:600, 300:600] * 0.7).astype(np.uint8)
        geometry = picture.geometry.cropped((0, 300, 300), (1, 300, 300))
        picture = replace(picture, data=np.ascontiguousarray(data), geometry=geometry)
    head = run(InstantHead.begin(loaded, picture, None, InstantSettings(is_mirrored=False)))
    first = shown = head.labels()
    origin = np.zeros(shown.shape, np.uint8)
    for _ in range(6):
        stroke = next_stroke(truth, shown, Hand())
        painted = apply_stroke(shown, stroke)
        origin.flat[stroke.voxels] = 1
        head.refit(Corrections.of_labels(painted, origin))
        shown = np.where(origin > 0, painted, head.labels())
    free = origin == 0
    before, after = _mean_dice(first[free], truth[free]), _mean_dice(shown[free], truth[free])
    assert after > before + 0.01, json.dumps([before, after])


def _mean_dice(found, truth):
    return np.mean([dice(found, truth, value) for value in np.unique(truth) if value > 0])
