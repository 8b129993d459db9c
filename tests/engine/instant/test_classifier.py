"""Classes that a person gives to a few images change the scores of the others at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_models import card, model, run, volume
from torch import nn

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import BackendUnavailable, CardError, SchemaError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.instant.classifier import InstantClassifier

_SCHEMA = LabelSchema.from_names(["dark", "bright"])


class _Means(nn.Module):
    """Mean brightness of the four quarters, and a last layer that looks at the wrong one."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 2)
        with torch.no_grad():
            self.last.weight.copy_(torch.tensor([[-8.0, 0, 0, 0], [8.0, 0, 0, 0]]))
            self.last.bias.copy_(torch.tensor([4.0, -4.0]))

    def forward(self, x):
        return self.last(nn.functional.adaptive_avg_pool2d(x, 2).flatten(1))


def _card(**changes):
    spec = InputSpec(
        spatial_dims=2, channels=("gray",), intensity=Intensity(kind="window", low=0, high=1), patch_vox=(8, 8)
    )
    return card(2, Task.CLASSIFY, **({"input": spec, "output": OutputSpec(schema=_SCHEMA)} | changes))


def _pictures(n=24, seed=0):
    """What is bright in its last quarter is called bright, whatever the others say."""
    rng = np.random.default_rng(seed)
    quarters = rng.random((n, 2, 2))
    pictures = [np.kron(one, np.ones((4, 4)))[np.newaxis].astype(np.float32) for one in quarters]
    names = ["bright" if one[1, 1] > 0.5 else "dark" for one in quarters]
    return [volume(one, (1.0, 1.0, 1.0)) for one in pictures], names


def _filled(loaded, n=60):
    classifier = InstantClassifier.begin(loaded)
    images, names = _pictures(n)
    for number, image in enumerate(images):
        run(classifier.add(str(number), image))
    return classifier, images, names


def _rightness(classifier, names, keys):
    return np.mean([classifier.scores(str(n)).decided == (names[n],) for n in keys])


def test_before_any_answer_scores_are_the_models_own():
    loaded = model(_Means(), _card())
    classifier, images, _ = _filled(loaded, 4)
    for number, image in enumerate(images):
        own = run(loaded.predict(image)).classification
        assert classifier.scores(str(number)).scores == pytest.approx(own.scores, abs=1e-6)


def test_answers_to_some_images_put_the_others_right():
    loaded = model(_Means(), _card())
    classifier, images, names = _filled(loaded)
    others = range(30, 60)
    before = _rightness(classifier, names, others)
    refit = classifier.refit({str(n): (names[n],) for n in range(30)})
    assert refit.n_images == 30
    assert _rightness(classifier, names, others) > max(before + 0.2, 0.85)
    adapted = classifier.adapted_model()
    for n in (31, 44):
        told = run(adapted.predict(images[n])).classification
        assert told.scores == pytest.approx(classifier.scores(str(n)).scores, abs=1e-4)
    classifier.refit({})
    assert _rightness(classifier, names, others) == before


def test_answers_without_sense_leave_the_model_as_it_is():
    classifier, _, names = _filled(model(_Means(), _card()))
    own = {n: classifier.scores(str(n)).decided for n in range(60)}
    refit = classifier.refit({str(n): own[n] for n in range(30)})
    assert all(classifier.scores(str(n)).decided == own[n] for n in range(30))
    rng = np.random.default_rng(0)
    nonsense = classifier.refit({str(n): (str(rng.permutation(names)[0]),) for n in range(30)})
    assert nonsense.stiffness >= refit.stiffness


def test_several_classes_at_once_are_learned_one_by_one():
    output = OutputSpec(schema=_SCHEMA, activation="sigmoid")
    classifier, _, names = _filled(model(_Means(), _card(output=output)))
    answers = {str(n): ("dark", "bright") if names[n] == "bright" else () for n in range(40)}
    classifier.refit(answers)
    told = [classifier.scores(str(n)).decided for n in range(40, 60)]
    right = [("dark", "bright") if names[n] == "bright" else () for n in range(40, 60)]
    assert np.mean([a == b for a, b in zip(told, right, strict=True)]) > 0.8


def test_what_cannot_be_is_refused_in_a_sentence():
    classifier, _, _ = _filled(model(_Means(), _card()), 3)
    with pytest.raises(SchemaError, match="one of the classes"):
        classifier.refit({"0": ("dark", "bright")})
    with pytest.raises(SchemaError, match="no class 'green'"):
        classifier.refit({"0": ("green",)})
    with pytest.raises(CardError, match="an instant classifier classifies"):
        InstantClassifier.begin(model())


def test_a_network_without_a_linear_layer_learns_from_its_scores_but_cannot_be_kept():
    inner = _Means()
    classifier, _, names = _filled(model(lambda x: inner(x), _card()))
    classifier.refit({str(n): (names[n],) for n in range(20)})
    if classifier.refit({str(n): ("dark",) for n in range(20)}).stiffness < np.inf:
        with pytest.raises(BackendUnavailable, match="does not end in a linear layer"):
            classifier.adapted_model()
