"""What the cases of a run are called in its results: safe on every system, and after no patient unless asked."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.output_layout import Naming, OutputLayout, Structure
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.outputs.content_key import content_key
from napari_medclf.jobs.outputs.patient_names import PatientNames

_LONGEST_MEMBER = 20
"""A series UID is longer, and no name for a folder."""
_LONGEST_ID = 100
"""With the longest file of a case and a folder of results of 80 characters a path stays below 240, which every system
takes."""
_HASH = 8
_WORD = re.compile(r"[^\s\"':;,()]+")
_SHORTEST_NAME = 4
"""Shorter names of files are words of a sentence by chance."""


@dataclass(frozen=True)
class HiddenPlace:
    """What results tell of a place, and the place."""

    case_id: str
    shown: str
    source: FileRef


@dataclass(frozen=True)
class CaseNames:
    """Names for the images below a folder.

    Parameters
    ----------
    base : Path
        The folder; absolute.
    patients : PatientNames
        What must not be in a name; empty where names are kept as they are.
    """

    base: Path
    layout: OutputLayout = field(default_factory=OutputLayout)
    patients: PatientNames = field(default_factory=PatientNames)

    def case_ids(self, refs: Sequence[FileRef]) -> list[str]:
        """Name images; equal names get a hash of the place, so that an image is called the same next time.

        Returns
        -------
        list of str
            Letters, digits and ``._-``; with a mirrored structure ``/`` between folders, none of which is a case.
        """
        plain = [self._case_id(ref) for ref in refs]
        taken = Counter(name.casefold() for name in plain)
        folders = {folder for name in taken for folder in _folders_of(name)}
        return [
            f"{name}-{self._hash(ref)}" if taken[name.casefold()] > 1 or name.casefold() in folders else name
            for name, ref in zip(plain, refs, strict=True)
        ]

    def shown(self, ref: FileRef, case_id: str) -> str:
        """Give the place that results tell instead of the true one; empty where they tell the true one."""
        if self.layout.naming is Naming.KEY:
            return case_id
        true = printable(str(ref))
        place = Path(*ref.path.parts[:1], *map(self._hidden, ref.path.parts[1:]))
        shown = printable(str(FileRef(place, self.patients.hide(ref.member))))
        # Two folders may be named after one patient; their places must still be told apart.
        return "" if shown == true else f"{shown}~{_digest(true)}"

    def conceal(self, text: str, path: Path) -> str:
        """Put hidden names into a sentence about a file that is no case."""
        if self.layout.naming is Naming.KEY:
            return conceal(text, path, _without_place(path))
        return conceal(text, path, str(Path(*path.parts[:1], *map(self._hidden, path.parts[1:]))))

    def other_id(self, plain: str, ref: FileRef) -> str:
        """Name what is no case: by `plain`, its place, or by a hash of that."""
        if self.layout.naming is Naming.KEY:
            return _without_place(ref.path)
        return self._safe(self.patients.hide(plain))

    def _case_id(self, ref: FileRef) -> str:
        if self.layout.naming is Naming.KEY:
            return content_key(ref)
        *folders, name = self._parts(ref)
        if self.layout.structure is Structure.FLAT:
            return self._safe("_".join((*folders, name)))
        return _shortened([self._safe(part) for part in (*folders, name)])

    def _parts(self, ref: FileRef) -> list[str]:
        """Folders below the base, and the name with its member."""
        from napari_medclf.store.files import stem

        inside = ref.path.is_relative_to(self.base)
        relative = ref.path.relative_to(self.base) if inside else Path(ref.path.name)
        *folders, name = (*map(self.patients.hide, relative.parts[:-1]), self.patients.hide(stem(relative)))
        if not ref.member:
            return [*folders, name]
        member = self.patients.hide(ref.member.replace("/", "-"))
        short = member if len(ref.member) <= _LONGEST_MEMBER else _digest(ref.member)
        return [*folders, f"{name}-{short}" if name else short]

    def _hidden(self, part: str) -> str:
        """Hide names in one part of a path; its suffix is none."""
        from napari_medclf.store.files import image_suffix

        suffix = image_suffix(part)
        stem = part[: len(part) - len(suffix)]
        return self.patients.hide(stem) + part[len(stem) :]

    def _hash(self, ref: FileRef) -> str:
        inside = ref.path.is_relative_to(self.base)
        place = ref.path.relative_to(self.base).as_posix() if inside else str(ref.path)
        return _digest(f"{place}#{ref.member}")

    @staticmethod
    def _safe(text: str) -> str:
        from napari_medclf.store.files import safe_name

        return safe_name(text)


def conceal(text: str, path: Path, shown: str) -> str:
    """Put the shown place into a sentence that tells the true one.

    Parameters
    ----------
    path : Path
        Where the image truly is.
    shown : str
        What results tell instead: a place with as many parts, or a key.

    Examples
    --------
    >>> conceal("Doe_John: 3 slices are missing", Path("/ct/Doe_John"), "/ct/patient-9c1f")
    'patient-9c1f: 3 slices are missing'
    """
    told = Path(shown).parts[: len(path.parts)]
    if len(told) < len(path.parts):
        return _without_path(text, path, shown)
    pairs = [*zip(path.parts, told, strict=True), (path.stem, Path(told[-1]).stem)]
    for true, one in pairs:
        if true != one:
            text = text.replace(true, one)
    return text


def _without_path(text: str, path: Path, key: str) -> str:
    """Put a key wherever a sentence tells a path, or the name of this file."""
    from napari_medclf.store.files import image_suffix

    text = text.replace(str(path), key)
    words = {word for word in _WORD.findall(text) if "/" in word or "\\" in word or image_suffix(word)}
    words |= {name for name in (path.name, path.stem) if len(name) >= _SHORTEST_NAME and not name.isdecimal()}
    for word in sorted(words - {key}, key=len, reverse=True):
        text = text.replace(word, key)
    return text


def _folders_of(name: str) -> list[str]:
    """Give the folders that a name lies in: of ``a/b/c`` these are ``a`` and ``a/b``."""
    parts = name.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _shortened(parts: list[str]) -> str:
    """Keep a deep place short: the folders become one, with a hash that they share with what lies beside."""
    whole = "/".join(parts)
    if len(whole) <= _LONGEST_ID:
        return whole
    folder = f"{parts[0][:20]}-{_digest('/'.join(parts[:-1]))}" if parts[:-1] else ""
    name = parts[-1] if len(parts[-1]) <= _LONGEST_ID - 40 else f"{parts[-1][:40]}-{_digest(parts[-1])}"
    return f"{folder}/{name}" if folder else name


def _without_place(path: Path) -> str:
    return f"file-{_digest(str(path))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:_HASH]
