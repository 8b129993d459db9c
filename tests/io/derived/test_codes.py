"""Class names find their SNOMED CT codes, and what is unknown gets a private code that can be written."""

from __future__ import annotations

import pytest

from napari_medclf.domain.labels import CodedConcept, LabelClass
from napari_medclf.io.derived.codes import ABNORMAL, ANATOMY, TISSUE, code_of, known_codes, private_code


def one(name, code=None):
    return LabelClass(value=1, name=name, colour="#E69F00", code=code)


def test_every_code_is_in_the_dictionary_of_the_standard():
    from pydicom.sr._concepts_dict import concepts  # pydicom has no public look-up by value

    by_value = {value: meanings for entries in concepts["SCT"].values() for value, meanings in entries.items()}
    for code in known_codes():
        assert code.value in by_value, code
        assert by_value[code.value][0].casefold() == code.meaning.casefold() or any(
            code.meaning.casefold() == entry[0].casefold()
            for entries in concepts["SCT"].values()
            for value, entry in entries.items()
            if value == code.value
        )


def test_categories_are_those_of_the_standard():
    from pydicom.sr.codedict import codes

    kinds = codes.cid7150
    for ours, theirs in zip(
        (TISSUE, ANATOMY, ABNORMAL),
        (kinds.Tissue, kinds.AnatomicalStructure, kinds.MorphologicallyAbnormalStructure),
        strict=True,
    ):
        assert (ours.value, ours.meaning) == (theirs.value, theirs.meaning)


@pytest.mark.parametrize(
    ("name", "meaning", "side"),
    [
        ("liver", "Liver", None),
        ("Spleen", "Spleen", None),
        ("left kidney", "Kidney", "Left"),
        ("kidney_right", "Kidney", "Right"),
        ("Kidneys (left)", "Kidney", "Left"),
        ("hippocampus anterior", "Hippocampus", "Anterior"),
        ("Left ventricle", "Left ventricle", None),
        ("vessel", "Blood Vessel", None),
        ("tumour", "Neoplasm", None),
        ("urinary_bladder", "Bladder", None),
    ],
)
def test_names_of_organs_and_findings_are_known(name, meaning, side):
    found = code_of(one(name))
    assert (found.type.scheme, found.type.meaning) == ("SCT", meaning)
    assert (found.modifier.meaning if found.modifier else None) == side


@pytest.mark.parametrize("name", ["anterior", "left rib 4", "left right kidney", "my liver", "class 1"])
def test_a_name_that_says_more_or_less_than_a_code_gets_none(name):
    assert code_of(one(name)).type.scheme == "99MEDCLF"


def test_a_class_keeps_its_own_code():
    own = CodedConcept(value="T-62000", scheme="SRT", meaning="Liver")
    assert code_of(one("left kidney", own)).type == own
    assert code_of(one("left kidney", own)).modifier is None


def test_findings_tissues_and_organs_have_their_categories():
    assert [code_of(one(name)).category for name in ("nodule", "vessel", "heart")] == [ABNORMAL, TISSUE, ANATOMY]


@pytest.mark.parametrize("name", ["ground glass", "病变", "Läsion", "a" * 64, "???", "Größe 1", "Größe 2"])
def test_private_codes_fit_their_elements(name):
    code = private_code(name)
    assert 0 < len(code.value) <= 16
    assert code.value.isascii()
    assert code.meaning == name
    assert code == private_code(name)


def test_different_names_have_different_private_codes():
    assert private_code("Größe 1").value != private_code("Größe 2").value
