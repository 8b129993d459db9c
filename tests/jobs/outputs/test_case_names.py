"""Names of cases are safe on every system, stay the same, and are no patient's."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.output_layout import Naming, OutputLayout, Structure
from napari_medclf.domain.patient_identity import PatientIdentity
from napari_medclf.jobs.outputs.case_names import CaseNames, conceal
from napari_medclf.jobs.outputs.patient_names import PatientNames

_BASE = Path("/data/study")
_MIRRORED = OutputLayout(Structure.MIRRORED)
_JOHN = PatientIdentity(("DOE^John^Q",), ("00123456", "AB-77/12"), "9c1f")
_ANNE = PatientIdentity(("Müller^Änne=李^无",), ("7",), "aaaa")


def _ids(names: CaseNames, *places: str) -> list[str]:
    return names.case_ids([FileRef(_BASE / place) for place in places])


@pytest.mark.parametrize(
    "text",
    ["john_doe", "DOE JOHN", "doejohn", "JOHNDOEQ", "JohnDoe", "doe-john-q", "123456", "0123456", "AB7712", "ab-77-12"],
)
def test_a_patient_is_found_in_any_order_case_and_spelling(text: str) -> None:
    assert PatientNames.of([_JOHN]).hide(f"{text}_ct 2") == "patient-9c1f_ct 2"


@pytest.mark.parametrize("text", ["Müller", "MUELLER", "Muller", "Mueller, Anne", "李无", "7"])
def test_accents_and_scripts_do_not_matter(text: str) -> None:
    assert PatientNames.of([_ANNE]).hide(text) == "patient-aaaa"


@pytest.mark.parametrize(
    "text", ["Doerr", "johnson", "thorax", "12345", "2012345678", "1.7", "patient", "unknown", "", "^", "im-0042"]
)
def test_what_names_nobody_stays(text: str) -> None:
    unnamed = PatientIdentity(("ANONYMOUS^Patient", "^^", "=", "0042"), ("unknown", "-", "0042"), "bbbb")
    assert PatientNames.of([_JOHN, _ANNE, unnamed]).hide(text) == text


def test_mirrored_names_keep_folders_and_none_lies_in_another() -> None:
    names = CaseNames(_BASE, _MIRRORED)
    assert _ids(names, "a/b/ct.nii.gz", "a/b.nii.gz", "c d/CON.png")[0] == "a/b/ct"
    inner, outer, device = _ids(names, "a/b/ct.nii.gz", "a/B.nii.gz", "c d/CON.png")
    assert not inner.casefold().startswith(outer.casefold() + "/")
    assert outer.startswith("a/B-")
    assert device.startswith("c-d-")
    assert device.split("/")[1].startswith("case-CON-")


@pytest.mark.parametrize("layout", [OutputLayout(), _MIRRORED])
def test_names_that_a_disk_takes_for_one_get_a_hash_of_their_place(layout: OutputLayout) -> None:
    places = ("x/Scan.nii.gz", "x/scan.nii", "y/scan.png")
    found = _ids(CaseNames(_BASE, layout), *places)
    assert len({one.casefold() for one in found}) == 3
    assert _ids(CaseNames(_BASE, layout), *places[::-1]) == found[::-1]


@pytest.mark.parametrize("layout", [OutputLayout(), _MIRRORED])
def test_deep_and_long_places_become_short(layout: OutputLayout) -> None:
    deep = "/".join(f"{'folder' * 9}{n}" for n in range(12))
    found = _ids(CaseNames(_BASE, layout), f"{deep}/{'x' * 200}.png", f"{deep}/{'x' * 200}y.png", f"{deep}/z.png")
    assert len(set(found)) == 3
    assert max(map(len, found)) <= 100
    if layout.structure is Structure.MIRRORED:
        assert len({one.rpartition("/")[0] for one in found}) == 1


@pytest.mark.parametrize("layout", [OutputLayout(), _MIRRORED])
def test_places_show_a_key_where_they_name_a_patient(layout: OutputLayout) -> None:
    names = CaseNames(_BASE, layout, PatientNames.of([_JOHN]))
    ref = FileRef(_BASE / "Doe_John" / "2020" / "JOHN DOE 3.dcm")
    (name,) = names.case_ids([ref])
    shown = names.shown(ref, name)
    assert "doe" not in f"{name}{shown}".casefold()
    assert "john" not in f"{name}{shown}".casefold()
    assert name.replace("/", "_").startswith("patient-9c1f_2020_patient-9c1f")
    assert shown.startswith("/data/study/patient-9c1f/2020/patient-9c1f 3.dcm~")
    assert names.shown(FileRef(_BASE / "thorax" / "3.dcm"), "thorax_3") == ""


def test_two_folders_of_one_patient_are_still_two_places() -> None:
    names = CaseNames(_BASE, OutputLayout(), PatientNames.of([_JOHN]))
    refs = [FileRef(_BASE / "Doe_John" / "ct.nii"), FileRef(_BASE / "John Doe" / "ct.nii")]
    ids = names.case_ids(refs)
    assert len(set(ids)) == 2
    assert len({names.shown(ref, name) for ref, name in zip(refs, ids, strict=True)}) == 2


def test_keys_follow_the_content_and_tell_nothing_of_the_place(tmp_path: Path) -> None:
    for place, content in (("a/doe.png", b"1"), ("b/john.png", b"1"), ("b/other.png", b"2" * 300_000)):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(content)
    names = CaseNames(tmp_path, OutputLayout(naming=Naming.KEY))
    alone = names.case_ids([FileRef(tmp_path / "b/other.png")])
    (tmp_path / "b/other.png").rename(tmp_path / "b/moved.png")
    assert names.case_ids([FileRef(tmp_path / "b/moved.png")]) == alone
    same = names.case_ids([FileRef(tmp_path / "a/doe.png"), FileRef(tmp_path / "b/john.png")])
    assert len(set(same)) == 2
    assert same[0][:12] == same[1][:12] != alone[0][:12]


def test_sentences_tell_what_the_place_tells() -> None:
    path = Path("/data/Doe_John/scan 3.dcm")
    told = conceal(f"{path}: cut short; Doe_John/ holds 2 more.", path, "/data/patient-9c1f/scan 3.dcm~1f")
    assert told == "/data/patient-9c1f/scan 3.dcm~1f: cut short; patient-9c1f/ holds 2 more."
    told = conceal("Doe_John/scan_0003.dcm and scan 3.dcm differ in slice 3.", path, "a1b2c3")
    assert told == "a1b2c3 and a1b2c3 differ in slice 3."
