"""Ensembles that are put together for workers elsewhere."""

import shutil

import numpy as np
import pytest

from napari_medclf.backends.ensemble.file import ENSEMBLE, EnsembleFile, MemberEntry, write_ensemble
from napari_medclf.backends.registry import load, open_model
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.runs.cluster.manifest import manifest_of
from napari_medclf.jobs.runs.cluster.pack import pack


@pytest.fixture
def ensemble(vessel_model, tmp_path):
    """Two members in places of their own, and an ensemble that is a member of another one."""
    first, second = tmp_path / "a place" / "one", tmp_path / "other" / "two"
    for folder in (first, second):
        shutil.copytree(vessel_model.folder, folder)
    pair, outer = tmp_path / "pair", tmp_path / "outer"
    for folder, members in ((pair, (first, second)), (outer, (pair, first))):
        card = vessel_model.card.model_copy(update={"backend": "ensemble", "name": folder.name, "weights_sha256": ""})
        entries = tuple(MemberEntry(model=str(one)) for one in members)
        write_ensemble(EnsembleFile(card=card, combine="mean", members=entries), folder / ENSEMBLE)
    return open_model(outer)


def answer(package):
    data = np.random.default_rng(0).integers(0, 255, (1, 40, 56), dtype=np.uint8)
    image = MedImage(data, Geometry.flat(40, 56), "eye")
    outcome = drive(load(package, LoadSettings(device="cpu", runtime="torch")).predict(image))
    return outcome.result.segmentation.labels


def test_packed_ensemble_needs_nothing_beside_its_folder(ensemble, tmp_path):
    before = answer(ensemble)
    packed = pack(ensemble, tmp_path / "workshop")
    elsewhere = tmp_path / "another computer" / "outer"
    shutil.copytree(packed.folder, elsewhere)
    for name in ("a place", "other", "pair", "outer", "workshop"):
        shutil.rmtree(tmp_path / name)

    np.testing.assert_array_equal(answer(open_model(elsewhere)), before)
    assert before.any()


def test_packed_ensemble_has_the_same_digest_whenever_it_is_packed(ensemble, tmp_path):
    first, second = (manifest_of(pack(ensemble, tmp_path / name)) for name in ("monday", "tuesday"))

    assert first.digest == second.digest
    assert "members/00/pair/members/01/two/models/model.safetensors" in {one.name for one in first.files}


def test_other_models_are_left_where_they_are(vessel_model, tmp_path):
    assert pack(vessel_model, tmp_path / "workshop") is vessel_model
    assert not (tmp_path / "workshop").exists()


def test_ensemble_without_a_member_is_refused(ensemble, tmp_path):
    shutil.rmtree(tmp_path / "other")

    with pytest.raises(CardError, match="two' is not installed"):
        pack(ensemble, tmp_path / "workshop")
