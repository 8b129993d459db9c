"""Growing parts hold each other, and every model is measured on the same cases."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset, FileRef, Split
from napari_medclf.domain.errors import DatasetError, OptionError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.jobs.api import run
from napari_medclf.jobs.learning_curve import LearningCurveOptions, grow, learning_curve


def _dataset() -> Dataset:
    """Thirty patients with two images each, a third of them ill."""
    cases = [
        Case(
            f"c{number}",
            f"p{number // 2}",
            {"image": FileRef(Path(f"{number}.png"))},
            classes=("ill" if number // 2 % 3 == 0 else "well",),
            split=Split.TRAIN if number < 60 else Split.TEST,
        )
        for number in range(70)
    ]
    return Dataset("lungs", Task.CLASSIFY, LabelSchema.from_names(["well", "ill"]), tuple(cases), Path("lungs"))


def test_larger_part_holds_the_smaller_and_patients_stay_whole():
    kept = [{one.group_id for one in grow(_dataset(), share, 3).in_split(Split.TRAIN)} for share in (0.2, 0.5, 1.0)]
    assert kept[0] < kept[1] < kept[2]
    assert [len(one) for one in kept] == [6, 15, 30]
    part = grow(_dataset(), 0.5, 3)
    assert set(Counter(one.group_id for one in part.in_split(Split.TRAIN)).values()) == {2}
    assert len(part.in_split(Split.TEST)) == 10


def test_parts_keep_the_classes_in_proportion():
    for share in (0.2, 0.5):
        classes = Counter(one.classes[0] for one in grow(_dataset(), share, 1).in_split(Split.TRAIN))
        assert classes["ill"] / sum(classes.values()) == pytest.approx(1 / 3, abs=0.07)


def test_part_without_a_class_and_impossible_parts_are_sentences(tmp_path):
    with pytest.raises(DatasetError, match=r"0\.01 of the training patients leave no case of ill"):
        grow(_dataset(), 0.01, 0)
    with pytest.raises(OptionError, match=r"--fractions has \[1\.5\]"):
        LearningCurveOptions(data=tmp_path, out=tmp_path, fractions=(0.5, 1.5))


def test_every_part_is_trained_once_and_measured_on_the_same_cases(chest_folder, tmp_path):
    options = LearningCurveOptions(
        data=chest_folder, out=tmp_path / "curve", fractions=(0.5, 1.0), epochs=1, device="cpu"
    )

    first = run(learning_curve(options))

    document = json.loads((tmp_path / "curve" / "learning_curve.json").read_text())
    assert [one["fraction"] for one in document["points"]] == [0.5, 1.0]
    assert document["points"][0]["n_cases"] < document["points"][1]["n_cases"]
    assert document["number"] == "auc"
    assert "2 different sizes are too few" in document["outlook"]["sentence"]
    assert "Learning curve of AUC" in (tmp_path / "curve" / "learning_curve.html").read_text()
    assert len((tmp_path / "curve" / "learning_curve.csv").read_text().splitlines()) == 3
    made = (tmp_path / "curve" / "models" / "0.5-0" / "configs" / "metadata.json").stat().st_mtime_ns
    again = run(learning_curve(options))
    assert (tmp_path / "curve" / "models" / "0.5-0" / "configs" / "metadata.json").stat().st_mtime_ns == made
    assert again.document["points"][1]["value"] == first.document["points"][1]["value"]
