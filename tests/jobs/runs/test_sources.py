"""Finding and naming the images of a run."""

from pathlib import Path

import pytest
from PIL import Image

from napari_medclf.domain.dataset import FileRef
from napari_medclf.jobs.runs.sources import find_in_folder, find_in_paths, name_cases


@pytest.fixture
def folder(tmp_path):
    for name in ("a/scan.png", "b/scan.png", "b c/Ä scan.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (6, 4), 7).save(path)
    return tmp_path


def test_names_are_portable_and_differ(folder):
    names = [case.case_id for case in find_in_folder(folder).cases]

    assert len(set(names)) == 3
    assert {"a_scan", "b_scan"} <= set(names)
    assert all(name.isascii() and "/" not in name and " " not in name for name in names)


def test_names_stay_when_files_are_added(folder):
    before = {str(case.source): case.case_id for case in find_in_folder(folder).cases}
    Image.new("L", (6, 4), 7).save(folder / "a" / "another.png")

    after = {str(case.source): case.case_id for case in find_in_folder(folder).cases}

    assert before.items() <= after.items()


def test_equal_names_get_a_hash_of_their_place():
    refs = [FileRef(Path("/x/a_b/c.png")), FileRef(Path("/x/a/b_c.png"))]

    names = name_cases(refs, Path("/x"))

    assert len(set(names)) == 2
    assert all(name.startswith("a_b_c-") for name in names)


def test_sources_are_absolute_so_that_a_run_resumes_from_anywhere(folder, monkeypatch):
    monkeypatch.chdir(folder)

    cases = find_in_folder(Path("a")).cases

    assert cases[0].source.path == folder / "a" / "scan.png"
    assert cases[0].load().geometry.shape == (1, 4, 6)


def test_missing_member_and_file_are_refused(folder):
    found = find_in_paths([folder / "a" / "scan.png", folder / "absent.png", folder / "x.npz#train/1"])

    assert [case.case_id for case in found.cases] == ["scan"]
    assert {one.path.name for one in found.refusals} == {"absent.png", "x.npz"}
