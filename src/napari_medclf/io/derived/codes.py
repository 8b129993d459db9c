"""Codes for what a class is: SNOMED CT where its name is known, else a private scheme with the name as meaning."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from napari_medclf.domain.labels import CodedConcept, LabelClass

PRIVATE_SCHEME = "99MEDCLF"
"""Designates codes that this program makes up (DICOM PS3.3 8.2: private schemes begin with 99)."""
_LONGEST_VALUE = 16  # SH
_LONGEST_MEANING = 64  # LO


def _snomed(value: str, meaning: str) -> CodedConcept:
    return CodedConcept(value=value, scheme="SCT", meaning=meaning)


# Segmentation property categories, CID 7150.
TISSUE = _snomed("85756007", "Tissue")
ANATOMY = _snomed("91723000", "Anatomical Structure")
ABNORMAL = _snomed("49755003", "Morphologically Abnormal Structure")

# Laterality (CID 244) and the ends of an organ, as modifiers of a type.
_SIDES = {
    "left": _snomed("7771000", "Left"),
    "right": _snomed("24028007", "Right"),
    "anterior": _snomed("255549009", "Anterior"),
    "posterior": _snomed("255551008", "Posterior"),
}

# Names as models and people write them, each with a code of CID 7151 or of its neighbours.
_ANATOMY = {
    "liver": "10200004 Liver",
    "spleen": "78961009 Spleen",
    "kidney": "64033007 Kidney",
    "pancreas": "15776009 Pancreas",
    "stomach": "69695003 Stomach",
    "gallbladder": "28231008 Gallbladder",
    "gall bladder": "28231008 Gallbladder",
    "esophagus": "32849002 Esophagus",
    "oesophagus": "32849002 Esophagus",
    "duodenum": "38848004 Duodenum",
    "colon": "71854001 Colon",
    "small bowel": "30315005 Small intestine",
    "small intestine": "30315005 Small intestine",
    "adrenal gland": "23451007 Adrenal gland",
    "urinary bladder": "89837001 Bladder",
    "bladder": "89837001 Bladder",
    "prostate": "41216001 Prostate",
    "uterus": "35039007 Uterus",
    "ureter": "87953007 Ureter",
    "breast": "76752008 Breast",
    "thyroid": "69748006 Thyroid",
    "thyroid gland": "69748006 Thyroid",
    "lung": "39607008 Lung",
    "trachea": "44567001 Trachea",
    "heart": "80891009 Heart",
    "left ventricle": "87878005 Left ventricle",
    "right ventricle": "53085002 Right ventricle",
    "left atrium": "82471001 Left atrium",
    "right atrium": "73829009 Right atrium",
    "aorta": "15825003 Aorta",
    "inferior vena cava": "64131007 Inferior vena cava",
    "portal vein": "32764006 Portal vein",
    "brain": "12738006 Brain",
    "brainstem": "119238007 Brain Stem",
    "brain stem": "119238007 Brain Stem",
    "cerebellum": "113305005 Cerebellum",
    "hippocampus": "5366008 Hippocampus",
    "amygdala": "4958002 Amygdala",
    "putamen": "89278009 Putamen",
    "thalamus": "42695009 Thalamus",
    "caudate nucleus": "11000004 Caudate Nucleus",
    "white matter": "389080008 White Matter",
    "gray matter": "389081007 Gray Matter",
    "grey matter": "389081007 Gray Matter",
    "spinal cord": "2748008 Spinal cord",
    "eye": "81745001 Eye",
    "retina": "5665001 Retina",
    "optic disc": "81016008 Optic nerve head",
    "bone": "272673000 Bone",
    "spine": "421060004 Spine",
    "vertebra": "51282000 Vertebra",
    "vertebrae": "51282000 Vertebra",
    "rib": "113197003 Rib",
    "sternum": "56873002 Sternum",
    "clavicle": "51299004 Clavicle",
    "clavicula": "51299004 Clavicle",
    "scapula": "79601000 Scapula",
    "humerus": "85050009 Humerus",
    "femur": "71341001 Femur",
    "hip": "29836001 Hip",
    "sacrum": "54735007 Sacrum",
    "skull": "89546000 Skull",
    "mandible": "91609006 Mandible",
    "tooth": "38199008 Tooth",
    "lymph node": "59441001 Lymph Node",
    "cell": "4421005 Cell",
    "nucleus": "84640000 Nucleus",
}
_TISSUES = {
    "blood vessel": "59820001 Blood Vessel",
    "vessel": "59820001 Blood Vessel",
    "artery": "51114001 Artery",
    "vein": "29092000 Vein",
    "skin": "39937001 Skin",
    "fat": "55603005 Fat",
    "adipose tissue": "55603005 Fat",
    "soft tissue": "87784001 Soft tissue",
    "skeletal muscle": "127954009 Skeletal muscle",
    "muscle": "71616004 Muscle",
    "tissue": "85756007 Tissue",
}
_ABNORMAL = {
    "lesion": "52988006 Lesion",
    "mass": "4147007 Mass",
    "nodule": "27925004 Nodule",
    "neoplasm": "108369006 Neoplasm",
    "tumor": "108369006 Neoplasm",
    "tumour": "108369006 Neoplasm",
    "cyst": "367643001 Cyst",
    "edema": "79654002 Edema",
    "oedema": "79654002 Edema",
    "necrosis": "6574001 Necrosis",
    "hemorrhage": "50960005 Hemorrhage",
    "haemorrhage": "50960005 Hemorrhage",
}


@dataclass(frozen=True)
class SegmentCode:
    """What a segment is: category and type, and which side or end of it."""

    category: CodedConcept
    type: CodedConcept
    modifier: CodedConcept | None = None


def code_of(one: LabelClass) -> SegmentCode:
    """Find the codes of a class: its own code, else by its name, else a private one.

    Notes
    -----
    "left kidney", "kidney_left" and "Kidneys (left)" are all the kidney, with its side as a modifier.
    A class with a code of its own keeps exactly that.
    """
    known = _by_name(one.name)
    if one.code is not None:
        return SegmentCode(_category_of(one.code), one.code)
    return known or SegmentCode(TISSUE, private_code(one.name))


def private_code(name: str) -> CodedConcept:
    """Make a code of this program for a name; the same name always gets the same code.

    >>> private_code("ground glass").value
    'ground-glass'
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")
    is_told = name.isascii() and 0 < len(slug) <= _LONGEST_VALUE
    value = slug if is_told else hashlib.sha256(name.encode()).hexdigest()[:_LONGEST_VALUE]
    return CodedConcept(value=value, scheme=PRIVATE_SCHEME, meaning=name[:_LONGEST_MEANING])


def known_codes() -> tuple[CodedConcept, ...]:
    """All codes of SNOMED CT that are given out here."""
    types = (concept for _, concept in _TYPES.values())
    return (TISSUE, ANATOMY, ABNORMAL, *_SIDES.values(), *types)


def _by_name(name: str) -> SegmentCode | None:
    words = re.sub(r"[^a-z]+", " ", name.casefold()).split()
    sides = [word for word in words if word in _SIDES]
    found = _find(" ".join(words))
    if found is not None:
        return SegmentCode(*found)
    rest = _find(" ".join(word for word in words if word not in _SIDES))
    if rest is None or len(sides) != 1 or re.search(r"\d", name):
        return None
    return SegmentCode(*rest, _SIDES[sides[0]])


def _find(name: str) -> tuple[CodedConcept, CodedConcept] | None:
    return _TYPES.get(name) or _TYPES.get(name.removesuffix("s"))


def _category_of(code: CodedConcept) -> CodedConcept:
    kept = (category for category, known in _TYPES.values() if (known.scheme, known.value) == (code.scheme, code.value))
    return next(kept, TISSUE)


def _table() -> dict[str, tuple[CodedConcept, CodedConcept]]:
    table = {}
    for category, names in ((ANATOMY, _ANATOMY), (TISSUE, _TISSUES), (ABNORMAL, _ABNORMAL)):
        for name, coded in names.items():
            value, meaning = coded.split(" ", 1)
            table[name] = (category, _snomed(value, meaning))
    return table


_TYPES = _table()
