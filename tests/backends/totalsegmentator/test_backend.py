"""TotalSegmentator, played by a script with the arguments that the real one documents (2.18.0)."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.backends.totalsegmentator import TotalSegmentatorBackend, write_task
from napari_medclf.backends.totalsegmentator.tasks import find_task, list_tasks, make_card
from napari_medclf.domain.errors import BackendUnavailable, CardError, GridError, MedclfError
from napari_medclf.domain.events import FinishReason, Outcome, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.jobs.drive import drive
from napari_medclf.testing.phantoms import oblique_phantom

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script with a first line")
_CPU = LoadSettings("cpu")
_SEGMENT = """#!{python}
import argparse, os, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("-i", dest="input")
parser.add_argument("-o", dest="output")
parser.add_argument("-ml", "--ml", action="store_true")
parser.add_argument("-f", "--fast", action="store_true")
parser.add_argument("-ta", "--task")
parser.add_argument("-d", "--device")
given = parser.parse_args()
mode = os.environ.get("STAND_IN", "")
if mode == "licence":
    sys.exit("ERROR: this task requires a license.")
if mode == "weights":
    print("Max retries exceeded: Cannot connect to proxy"); sys.exit(1)
for n in range(1, 4):
    sys.stderr.write(f"\\r {{n}}|### | {{n}}/3 [00:00<00:00]\\r"); sys.stderr.flush()
    time.sleep(60 if mode == "slow" else 0.15)
import nibabel as nib, numpy as np
image = nib.load(given.input)
samples = np.asarray(image.dataobj)
labels = np.where(samples > np.median(samples), 5 if given.fast else 1, 0).astype(np.uint8)
if mode == "strange":
    labels[0, 0, 0] = 250
affine = image.affine.copy()
if mode == "moved":
    affine[0, 3] += 2
assert given.ml and given.device == "cpu" and given.task == "total", given
nib.save(nib.Nifti1Image(labels, affine), given.output)
"""
_INFO = """#!{python}
import json, sys
assert sys.argv[1:] == ["--classes", "--task", "total", "--json"], sys.argv
print(json.dumps({{"1": "spleen", "5": "liver", "200": "new organ"}}, indent=2))
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "environment" / "bin"
    folder.mkdir(parents=True)
    for name, text in (("TotalSegmentator", _SEGMENT), ("totalseg_info", _INFO)):
        script = folder / name
        script.write_text(text.format(python=sys.executable))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    (folder / "python").symlink_to(sys.executable)
    monkeypatch.setenv("MEDCLF_TOTALSEGMENTATOR", str(folder / "python"))
    return folder


def _predict(tmp_path: Path, image: MedImage, *, is_fast: bool = False) -> tuple[Outcome, list[Progress]]:
    path = tmp_path / "task.json"
    write_task(path, "total", is_fast=is_fast)
    backend = TotalSegmentatorBackend()
    events: list[Progress] = []
    return drive(backend.load(backend.read(path), _CPU).predict(image), events.append), events


def _image() -> MedImage:
    phantom = oblique_phantom()
    return MedImage(phantom.data, phantom.geometry, "phantom", modality="CT")


def test_labels_come_back_to_the_voxels_they_were_made_for(program: Path, tmp_path: Path) -> None:
    image = _image()
    outcome, events = _predict(tmp_path, image)
    assert outcome.error is None
    found = outcome.result.segmentation
    np.testing.assert_array_equal(found.labels, image.data > np.median(image.data))
    assert found.geometry.same_grid(image.geometry)
    assert found.schema.valued(1).name == "spleen"
    assert found.schema.valued(200).name == "new organ"  # what the program said, and not our older table
    assert outcome.result.place == "cpu TotalSegmentator"
    assert any((one.done, one.total) == (2, 3) for one in events if isinstance(one, Progress))


def test_fast_variant_is_asked_for(program: Path, tmp_path: Path) -> None:
    outcome, _ = _predict(tmp_path, _image(), is_fast=True)
    assert set(np.unique(outcome.result.segmentation.labels)) == {0, 5}


@pytest.mark.parametrize(
    ("mode", "error", "sentence"),
    [
        ("licence", MedclfError, "needs a licence"),
        ("weights", MedclfError, "totalseg_download_weights -t total"),
        ("moved", GridError, "another grid"),
        ("strange", MedclfError, "classes it did not announce"),
    ],
)
def test_what_goes_wrong_there_is_a_sentence_here(
    program: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    error: type[Exception],
    sentence: str,
) -> None:
    monkeypatch.setenv("STAND_IN", mode)
    outcome, _ = _predict(tmp_path, _image())
    assert isinstance(outcome.error, error)
    assert sentence in str(outcome.error)


def test_a_stop_is_obeyed_within_two_seconds(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "slow")
    path = tmp_path / "task.json"
    write_task(path, "total")
    backend = TotalSegmentatorBackend()
    job = backend.load(backend.read(path), _CPU).predict(_image())
    asked: list[float] = []

    def should_stop() -> bool:
        return bool(asked) and time.monotonic() > asked[0]

    def on_event(event: object) -> None:
        if isinstance(event, Progress) and event.total == 3 and not asked:
            asked.append(time.monotonic())

    outcome = drive(job, on_event, should_stop)
    assert outcome.reason is FinishReason.CANCELED
    assert time.monotonic() - asked[0] < 2


def test_a_film_or_a_picture_is_refused(program: Path, tmp_path: Path) -> None:
    from napari_medclf.domain.geometry import Geometry

    picture = MedImage(np.zeros((1, 8, 9), dtype=np.uint8), Geometry.flat(8, 9), "picture")
    outcome, _ = _predict(tmp_path, picture)
    assert isinstance(outcome.error, CardError)
    assert "volumes with a scale" in str(outcome.error)


def test_without_the_program_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDCLF_TOTALSEGMENTATOR", str(tmp_path / "nothing"))
    backend = TotalSegmentatorBackend()
    assert "pip install TotalSegmentator" in backend.unavailable_because()
    with pytest.raises(BackendUnavailable, match="MEDCLF_TOTALSEGMENTATOR"):
        backend.load(_package(tmp_path), _CPU)


def _package(tmp_path: Path):
    path = tmp_path / "task.json"
    write_task(path, "total")
    return TotalSegmentatorBackend().read(path)


def test_place_may_stand_in_the_users_folder(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDCLF_TOTALSEGMENTATOR")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MEDCLF_HOME", str(tmp_path / "home"))
    assert TotalSegmentatorBackend().unavailable_because()
    (tmp_path / "home").mkdir()
    setting = {"totalsegmentator": str(program / "TotalSegmentator")}
    (tmp_path / "home" / "external.json").write_text(json.dumps(setting))
    assert TotalSegmentatorBackend().unavailable_because() == ""


@pytest.mark.parametrize("content", ["{}", "[]", "nonsense", '{"other": 1}', ""])
def test_other_files_are_not_recognised(tmp_path: Path, content: str) -> None:
    path = tmp_path / "some.json"
    path.write_text(content)
    assert not TotalSegmentatorBackend().recognises(path)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"task": "totl"}, "Did you mean 'total'"),
        ({"task": "teeth", "fast": True}, "no fast variant"),
        ({"task": "total", "shell": "rm"}, "is no task"),
        ("total", "is no task"),
    ],
)
def test_a_wrong_task_is_refused_in_a_sentence(tmp_path: Path, said: object, sentence: str) -> None:
    path = tmp_path / "task.json"
    path.write_text(json.dumps({"totalsegmentator": said}))
    with pytest.raises(CardError, match=sentence):
        TotalSegmentatorBackend().read(path)


def test_every_task_has_a_card_with_its_licence() -> None:
    cards = {name: make_card(find_task(name)) for name in list_tasks()}
    assert len(cards["total"].schema_) == 117
    assert cards["total"].schema_.valued(5).name == "liver"
    assert cards["total_mr"].input.modality == ("MR",)
    assert "Apache-2.0" in cards["total"].licence
    assert "licence of TotalSegmentator" in cards["heartchambers_highres"].licence
