"""What a picture archive (PACS) is asked for, and what it lists."""

from __future__ import annotations

import re
from dataclasses import dataclass

from napari_medclf.domain.errors import OptionError, ServerError

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")  # PS3.5 9.1, save that leading zeros occur in the wild
_DATES = re.compile(r"([0-9]{8})?(-)?([0-9]{8})?")


def is_uid(text: str) -> bool:
    """Tell whether a text is a DICOM UID: digits and dots, at most 64 characters (PS3.5 9.1).

    >>> is_uid("1.2.840.10008.1.1"), is_uid("../../etc/passwd"), is_uid("")
    (True, False, False)
    """
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def check_uid(text: str, name: str) -> str:
    """Give a UID back that a server sent.

    Raises
    ------
    ServerError
        If it is none; its text is not repeated, because it may be anything.
    """
    if not is_uid(text):
        raise ServerError(f"The server sent a {name} that is no UID. Nothing of it was kept.")
    return text


@dataclass(frozen=True)
class StudyQuery:
    """What the studies that are looked for have in common; an empty field matches all.

    Parameters
    ----------
    patient_name : str
        ``Family^Given``; ``*`` and ``?`` are wildcards.
    dates : str
        ``20240131``, ``20240101-20240131``, ``20240101-`` or ``-20240131``; dashes inside a date may be given.
    """

    patient_id: str = ""
    patient_name: str = ""
    dates: str = ""
    modality: str = ""
    accession: str = ""
    study_uid: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "dates", plain_dates(self.dates))
        if self.study_uid and not is_uid(self.study_uid):
            raise OptionError(f"{self.study_uid!r} is no study UID; it must be digits and dots.")
        for name in ("patient_id", "patient_name", "modality", "accession"):
            if not getattr(self, name).isprintable() or "\\" in getattr(self, name):
                raise OptionError(f"The {name.replace('_', ' ')} may hold no backslash and no control character.")


def plain_dates(text: str) -> str:
    """Bring a date or a range of dates into DICOM's form (PS3.4 C.2.2.2.5).

    >>> plain_dates("2024-01-05"), plain_dates("20240105-"), plain_dates("2024-01-05 - 2024-02-01")
    ('20240105', '20240105-', '20240105-20240201')

    Raises
    ------
    OptionError
        If it is neither.
    """
    packed = re.sub(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", r"\1\2\3", text.replace(" ", ""))
    match = _DATES.fullmatch(packed)
    first, dash, last = match.groups() if match else (None, None, None)
    if packed and (match is None or not (first or last) or (first and last and not dash)):
        raise OptionError(f"{text!r} is no date. Give 20240131, 20240101-20240131, 20240101- or -20240131.")
    if first and last and first > last:
        raise OptionError(f"The dates {text!r} end before they begin.")
    return packed


@dataclass(frozen=True)
class StudyRow:
    """A study as a server lists it.

    Parameters
    ----------
    date : str
        ``YYYYMMDD``, empty where the server does not say.
    n_series, n_instances : int or None
        None where the server does not say.
    patient_key : str
        Hash of the patient's identifier, the same as in images that were read from files.
    patient_name, patient_id, accession : str
        Who it is; filled only when it was asked for, for the screen, and never logged.
    """

    study_uid: str
    date: str = ""
    description: str = ""
    modalities: tuple[str, ...] = ()
    n_series: int | None = None
    n_instances: int | None = None
    patient_key: str = ""
    patient_name: str = ""
    patient_id: str = ""
    accession: str = ""


@dataclass(frozen=True)
class SeriesRow:
    """A series as a server lists it; ``n_instances`` is None where the server does not say."""

    study_uid: str
    series_uid: str
    modality: str = ""
    number: str = ""
    description: str = ""
    body_part: str = ""
    n_instances: int | None = None


@dataclass(frozen=True)
class InstanceRow:
    """One object of a series: an image, a segmentation, a report. Its class is empty where the server does not say."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str = ""


@dataclass(frozen=True)
class Arrival:
    """What became of one object: a file, or the reason why there is none; `is_stray` where nobody asked for it."""

    sop_uid: str
    path: str = ""
    reason: str = ""
    is_stray: bool = False


@dataclass(frozen=True)
class Delivery:
    """What became of one object that was sent; ``reason`` is empty when the server took it.

    ``note`` tells what the server changed or warned of, as a sentence.
    """

    sop_uid: str
    reason: str = ""
    note: str = ""
