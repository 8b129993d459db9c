"""Labels that were exchanged are found in real pictures, and confident learning follows its paper."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.engine.quality.label_errors import doubts_of, find_label_errors, out_of_fold_scores


def _pneumonia(shared_data, n: int) -> tuple[np.ndarray, np.ndarray]:
    path = shared_data / "medmnist" / "pneumoniamnist.npz"
    if not path.is_file():
        pytest.skip("the MedMNIST files are not here")
    with np.load(path) as arrays:
        chosen = np.random.default_rng(0).permutation(len(arrays["train_images"]))[:n]
        images = arrays["train_images"][chosen].reshape(n, -1).astype(np.float32)
        labels = arrays["train_labels"][chosen, 0].astype(np.intp)
    centred = images - images.mean(axis=1, keepdims=True)
    return centred / np.linalg.norm(centred, axis=1, keepdims=True) * 10, labels


def test_most_of_the_exchanged_labels_of_xrays_are_found(shared_data):
    features, labels = _pneumonia(shared_data, 2000)
    exchanged = set(np.random.default_rng(3).permutation(2000)[:100].tolist())
    said = labels.copy()
    said[list(exchanged)] = 1 - said[list(exchanged)]
    found = {one.position for one in find_label_errors(features, said, [str(n) for n in range(2000)])}
    assert len(found & exchanged) >= 70  # measured: 79 of 100, and 7 others
    assert len(found - exchanged) <= 15


def test_rule_is_that_of_the_paper():
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.45, 0.55]])
    labels = np.array([0, 0, 0, 1, 1, 0])
    # mean score of class 1 among those called 1 is 0.75: case 2 (0.9) reaches it, case 5 (0.55) does not
    (found,) = doubts_of(scores, labels)
    assert (found.position, found.other) == (2, 1)
    assert (found.given_score, found.other_score) == (0.1, 0.9)


def test_nobody_is_judged_by_a_model_that_saw_the_patient():
    rng = np.random.default_rng(2)
    groups = [f"p{n // 4}" for n in range(80)]
    own = rng.normal(size=(20, 6)).repeat(4, axis=0)  # a patient's images are alike, and say nothing of the class
    labels = np.repeat(rng.permutation(np.arange(20) % 2), 4)
    scores = out_of_fold_scores(own.astype(np.float32), labels, groups)
    accuracy = (scores.argmax(axis=1) == labels).mean()
    assert accuracy < 0.8  # 1.0 if a patient's other images had been learned


def test_labels_that_cannot_be_learned_are_not_doubted():
    rng = np.random.default_rng(3)
    features = rng.normal(size=(120, 30)).astype(np.float32)
    assert find_label_errors(features, rng.integers(0, 2, 120), [str(n) for n in range(120)]) == []


def test_few_cases_of_a_class_are_not_judged():
    features = np.zeros((30, 4), np.float32)
    assert find_label_errors(features, np.array([0] * 25 + [1] * 5), [str(n) for n in range(30)]) == []
