"""Several classes at once, numbers and grades: from data to a model to its answers and its numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_medclf.jobs.api import evaluate, predict, train

_SMALL = (
    *("network.arguments.block_inplanes=8,8,8,8", "optimiser.lr=0.01", "averaging.decay=0.5", "batch=8"),
    # What is told apart here is where a picture is bright, and how bright.
    *(f"augment.{name}=0" for name in ("gain", "bias", "gamma", "cutout", "rotate_deg", "shift")),
    *("augment.flip_axes=[]", "mixup_alpha=0", "loss.label_smoothing=0"),
)


def _picture(number: int) -> tuple[np.ndarray, bool, bool]:
    """Noise with a bright left half, a bright lower half, both or none."""
    has_left, has_low = bool(number % 2), bool(number // 2 % 2)
    picture = np.random.default_rng(number).integers(0, 60, (24, 32)).astype(np.uint8)
    picture[:, :12] += np.uint8(90 * has_left)
    picture[14:] += np.uint8(90 * has_low)
    return picture, has_left, has_low


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("halves")
    lines = ["path,has_left,has_low,brightness,grade,split"]
    for number in range(48):
        picture, has_left, has_low = _picture(number)
        Image.fromarray(picture).save(folder / f"{number}.png")
        grade = ("none", "one", "two")[has_left + has_low]
        split = "train" if number < 28 else "val" if number < 40 else "test"
        lines.append(f"{number}.png,{has_left:d},{has_low:d},{picture.mean():.2f},{grade},{split}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder / "labels.csv"


@pytest.fixture(scope="module")
def npz(tmp_path_factory) -> Path:
    """A file such as ChestMNIST: a row of 0 and 1 for every image."""
    path = tmp_path_factory.mktemp("npz") / "halves.npz"
    arrays: dict[str, np.ndarray] = {}
    for split, numbers in (("train", range(28)), ("val", range(28, 40)), ("test", range(40, 48))):
        found = [_picture(number) for number in numbers]
        arrays[f"{split}_images"] = np.stack([picture[:, :24] for picture, _, _ in found])
        arrays[f"{split}_labels"] = np.array([[left, low] for _, left, low in found], dtype=np.uint8)
    np.savez(path, **arrays)
    return path


def _train(data: Path, out: Path, *settings: str, epochs: int = 8, **options):
    options = {"set": (*_SMALL, *settings), "epochs": epochs, "register": False, "device": "cpu"} | options
    return train(data, out, **options).package


def test_several_classes_of_an_npz_are_learned_together(npz, tmp_path):
    package = _train(npz, tmp_path / "halves")
    output = package.card.output
    assert (output.activation, package.card.is_calibrated) == ("sigmoid", True)
    assert set(output.thresholds) <= {"class 0", "class 1"}

    evaluation = evaluate(str(package.folder), npz, tmp_path / "numbers")
    assert evaluation.document["auc"].value > 0.9
    assert evaluation.document["per_class"]["class 1"]["auc"].value > 0.9
    assert "kappa" not in evaluation.document


def test_several_columns_of_a_table_may_all_be_said(table, tmp_path):
    package = _train(table, tmp_path / "halves", task="classify", label_columns=("has_left", "has_low"))
    both, none = (predict(table.parent / f"{number}.png", package).classification for number in (47, 44))
    assert both is not None
    assert none is not None
    assert both.scores["has_left"] > none.scores["has_left"]
    assert set(both.decided) == {"has_left", "has_low"}
    assert none.decided == ()


def test_number_is_estimated_in_the_units_of_its_table(table, tmp_path):
    said = tmp_path / "card.json"
    said.write_text(json.dumps({"units": {"brightness": "cd/m2"}}))
    options = {"task": "regress", "label_columns": ("brightness",), "card": said}
    package = _train(table, tmp_path / "shade", epochs=12, **options)
    assert package.card.output.quantities[0].unit == "cd/m2"

    evaluation = evaluate(str(package.folder), table, tmp_path / "numbers")
    truth = np.array([row["truth:brightness"] for row in evaluation.measured.rows])
    assert evaluation.document["mae"].value < np.abs(truth - truth.mean()).mean()
    assert len(evaluation.document["bland_altman"]["brightness"]["mean"]) == 8
    found = predict(table.parent / "47.png", package).regression
    assert found is not None
    assert found.lines[0].endswith(" cd/m2")


def test_grades_are_learned_in_the_order_that_is_given(table, tmp_path):
    names = ("none", "one", "two")
    options = {"label_columns": ("grade",), "class_names": names}
    package = _train(table, tmp_path / "grades", "loss.kind=ordinal", **options)
    assert (package.card.output.activation, package.card.schema_.names) == ("ordinal", names)

    evaluation = evaluate(str(package.folder), table, tmp_path / "numbers", label_columns=("grade",))
    assert evaluation.document["kappa_quadratic"].value > 0.5
    assert evaluation.document["grade_error"].value < 0.7
