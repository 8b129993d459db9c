"""Splits are frozen once, known by their hash, and keep together what belongs together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_medclf.domain.dataset import Split
from napari_medclf.domain.errors import OptionError
from napari_medclf.jobs.api import run
from napari_medclf.jobs.data import DataChoice, open_data
from napari_medclf.jobs.dataset.show import ShowOptions, show_dataset
from napari_medclf.jobs.dataset.split import SplitOptions, split_data
from napari_medclf.store.datasets import splits_sha256


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Two classes of twelve pictures; `a00` and `b11` are nearly the same."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(7)
    for name in "ab":
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(12):
            smooth = gaussian_filter(rng.normal(size=(40, 36)), 3)
            data = ((smooth - smooth.min()) / np.ptp(smooth) * 200 + 20).astype(np.uint8)
            if (name, number) == ("a", 0):
                first = data
            if (name, number) == ("b", 11):
                data = first + rng.integers(0, 3, first.shape, dtype=np.uint8)
            Image.fromarray(data).save(tmp_path / "data" / name / f"{name}{number:02}.png")
    return tmp_path / "data"


def test_written_split_is_what_training_and_measuring_get(pictures, tmp_path):
    result = run(split_data(SplitOptions(pictures, out=tmp_path / "s.json", seed=3)))

    again = open_data(DataChoice(pictures, split_file=tmp_path / "s.json"))
    assert splits_sha256(again) == result.sha256[0]
    assert {split: len(again.in_split(split)) for split in Split} == {Split.TRAIN: 17, Split.VAL: 4, Split.TEST: 3}
    with pytest.raises(OptionError, match="frozen splits are never overwritten"):
        run(split_data(SplitOptions(pictures, out=tmp_path / "s.json", seed=4)))


def test_folds_are_a_file_each_with_one_test_split(pictures, tmp_path):
    result = run(split_data(SplitOptions(pictures, out=tmp_path / "folds", folds=3)))

    assert [path.name for path in result.files] == ["fold_1.json", "fold_2.json", "fold_3.json"]
    opened = [open_data(DataChoice(pictures, split_file=path)) for path in result.files]
    assert len({tuple(case.case_id for case in one.in_split(Split.TEST)) for one in opened}) == 1
    assert sum(len(one.in_split(Split.VAL)) for one in opened) == 24 - len(opened[0].in_split(Split.TEST))


def test_near_copies_stay_in_one_split_whatever_the_seed(pictures, tmp_path):
    apart = 0
    for seed in range(3):
        options = SplitOptions(pictures, out=tmp_path / f"{seed}.json", seed=seed, near_copies=True)
        split_of = {case.case_id: case.split for case in run(split_data(options)).dataset.cases}
        assert split_of["a-a00"] is split_of["b-b11"]
        plain = SplitOptions(pictures, out=tmp_path / f"plain-{seed}.json", seed=seed)
        split_of = {case.case_id: case.split for case in run(split_data(plain)).dataset.cases}
        apart += split_of["a-a00"] is not split_of["b-b11"]
    assert apart  # or the test would hold without looking


def test_show_tells_classes_by_split_and_gives_advice(pictures, tmp_path):
    run(split_data(SplitOptions(pictures, out=tmp_path / "s.json")))
    summary = run(show_dataset(ShowOptions(pictures, split=tmp_path / "s.json", cases=2)))

    assert summary.splits == {"train": (17, 17), "val": (4, 4), "test": (3, 3)}
    assert {name: sum(counts.values()) for name, counts in summary.classes.items()} == {"a": 12, "b": 12}
    assert len(summary.splits_sha256) == 64
    assert any("Only 4 patients or groups are left for validation" in one for one in summary.advice)
    assert [row["case_id"] for row in summary.rows] == ["a-a00", "a-a01"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"folds": 1}, "at least 2"), ({"folds": 2, "repeats": 2}, "cannot be given together")],
)
def test_options_that_contradict_each_other_are_refused(changes, sentence):
    with pytest.raises(OptionError, match=sentence):
        SplitOptions(Path("data"), out=Path("out"), **changes)
