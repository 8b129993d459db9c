"""A real server, Debian's Orthanc, stores our objects and gives them back unchanged, in every way we speak to it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from napari_medclf.io.dicom.keys import patient_key
from napari_medclf.testing.phantoms import oblique_phantom


def load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


orthanc = load("orthanc")
REASON = orthanc.why_not()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(REASON), reason=REASON)]
SECRET = ("SECRET", "JANE", "mrn-0077", "ACC-17")
N_SLICES, N_RESULTS = 12, 4


def write_study(folder: Path, write_series) -> None:
    """One CT series; two segmentations, contours and a report of it, by our own writers."""

    def edit(dataset, k):
        dataset.PatientID, dataset.StudyDate, dataset.AccessionNumber = "mrn-0077", "20240105", "ACC-17"

    series = write_series(folder / "sent" / "ct", oblique_phantom(), edit)
    load("objects").write_results(series, folder / "sent")


@pytest.fixture(scope="module")
def story(tmp_path_factory, write_series):
    folder = tmp_path_factory.mktemp("story")
    write_study(folder, write_series)
    return orthanc.run("story", folder)


def test_server_answers_in_every_protocol(story):
    assert story["echo"] == {"web": "DICOMweb", "get": "C-GET", "move": "C-MOVE"}


@pytest.mark.parametrize("way", ["stow", "stow_again", "store"])
def test_everything_that_is_sent_is_listed_and_comes_back_with_every_element(story, way):
    assert len(story[way]) == N_SLICES + N_RESULTS
    for one in story[way]:
        assert (one["reason"], one["is_listed"], one["is_same"]) == ("", True, True), one


def test_another_client_gets_what_we_sent(story):
    assert story["seen_by_dicomweb_client"] == [True] * (N_SLICES + N_RESULTS)


def test_sending_twice_stores_once(story):
    assert story["n_after_stow"] == story["n_after_stow_again"] == N_SLICES + N_RESULTS
    assert story["n_after_delete"] == 0


@pytest.mark.parametrize("way", ["web", "get"])
def test_filters_find_what_they_say(story, way):
    found = story["find"][way]
    assert found["modalities"] == ["CT", "RTSTRUCT", "SEG", "SEG", "SR"]
    assert found["n_instances"] == N_SLICES + N_RESULTS
    for name in ("by_id", "by_name", "by_modality", "by_accession"):
        assert found[name] == [1, 0], name
    assert found["by_date"] == [1, 1, 0]
    assert found["ct_only"] == ["CT"]


@pytest.mark.parametrize("way", ["web", "get"])
def test_patients_are_named_only_when_asked_for(story, way):
    found = story["find"][way]
    assert not any(one in found["plain"] for one in SECRET)
    assert all(one in found["named"] for one in SECRET)
    assert found["patient_key"] == patient_key(" mrn-0077 ")


@pytest.mark.parametrize("way", ["web", "get", "move"])
def test_what_is_fetched_is_what_was_sent(story, way):
    fetched = story["fetched"][way]
    assert fetched["is_whole"]
    assert fetched["n_received"] == N_SLICES + N_RESULTS
    assert fetched["same_objects"]
    assert set(fetched["differences"]) == {""}
    assert fetched["shapes"][0] == [12, 20, 28]


def test_what_came_by_c_store_is_fetched_too(story):
    fetched = story["fetched_after_store"]
    assert fetched["is_whole"]
    assert set(fetched["differences"]) == {""}


@pytest.mark.parametrize("way", ["web", "get", "move"])
def test_only_what_is_lost_or_spoiled_is_fetched_again(story, way):
    resumed = story["resumed"][way]
    assert resumed == {"n_received": 2, "n_kept": N_SLICES + N_RESULTS - 2, "same": True}


def test_no_file_name_tells_who_it_is(story):
    assert len(story["names"]) > N_SLICES
    assert not any(secret.lower() in name.lower() for secret in SECRET for name in story["names"])


@pytest.fixture(scope="module")
def failures(tmp_path_factory, write_series):
    folder = tmp_path_factory.mktemp("failures")
    write_study(folder, write_series)
    return orthanc.run("failures", folder)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("wrong called AE title", "the server's AE title is not 'NOBODY'"),
        ("wrong port", "no server listens there"),
        ("HTTP port for DICOM", "Check the port"),
        ("wrong web port", "no server listens there"),
        ("wrong web path", "knows nothing at this address"),
        ("DICOM port for HTTP", "127.0.0.1"),
        ("unknown move destination", "Is STRANGER with"),
        ("unknown study", "no study"),
    ],
)
def test_what_goes_wrong_is_told_in_one_sentence(failures, case, words):
    told = failures[case]
    assert words in told["message"]
    assert "\n" not in told["message"]
    assert told["seconds"] < 30


def test_damaged_files_are_not_sent(failures):
    assert ["cut short" in reason or "no DICOM" in reason for reason in failures["files"]] == [True, True]


def test_a_stop_leaves_nothing_half_written_and_can_be_taken_up(tmp_path, write_series):
    write_study(tmp_path, write_series)
    told = orthanc.run("stop", tmp_path)
    for way in ("web", "get", "move"):
        assert told[way]["reason"] == "canceled"
        assert told[way]["temporary"] == []
        assert told[way]["after"]["is_whole"]
        assert set(told[way]["after"]["differences"]) == {""}
