"""Find what DICOM headers call patients in the names of files and folders, and put keys in its place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import permutations

from napari_medclf.domain.patient_identity import PatientIdentity

_SHORTEST_WORD, _SHORTEST_NUMBER = 3, 4
"""Shorter ones are in many names by chance; they count only where a whole name consists of them."""
_MOST_WORDS, _LONGEST_RUN = 4, 6
_MOST_KNOWN = 10_000
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W0-9a-zA-Z_]+")
"""``DoeJohn12`` falls into Doe, John and 12; runs of tokens are put together again to be compared."""
_PLACEHOLDERS = frozenset(
    {"anon", "anonym", "anonymous", "anonymized", "anonymised", "deidentified", "noname", "none", "null", "patient"}
    | {"removed", "subject", "unknown", "unnamed", "withheld"}
)
"""What stands in headers instead of a name; in a path these words tell nobody."""


@dataclass(frozen=True)
class PatientNames:
    """The names of patients, to be found in any order, case and spelling.

    Parameters
    ----------
    words : dict
        A name, or several put together, to the patient's key; found anywhere between other words.
    wholes : dict
        The same for short ones, which must be all there is.
    """

    words: Mapping[str, str] = field(default_factory=dict, repr=False)
    wholes: Mapping[str, str] = field(default_factory=dict, repr=False)
    _known: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Answers that were given: the folders of a tree are asked for again and again."""

    @classmethod
    def of(cls, identities: Iterable[PatientIdentity]) -> PatientNames:
        """Gather what is to be hidden; of two patients of one name the first one's key is taken."""
        words: dict[str, str] = {}
        wholes: dict[str, str] = {}
        for one in identities:
            for text in one.names:
                for word in _spellings(text):
                    is_long = _tells(word) if word.isdecimal() else len(word) >= _SHORTEST_WORD
                    (words if is_long else wholes).setdefault(word, one.key)
            for text in one.numbers:
                for number in _numbers(text):
                    (words if _tells(number) else wholes).setdefault(number, one.key)
        return cls(words, wholes)

    def hide(self, text: str) -> str:
        """Replace what names a patient by ``patient-<key>``; all else, and a text that names nobody, stays.

        >>> names = PatientNames.of([PatientIdentity(("DOE^John",), ("00123456",), "9c1f")])
        >>> [names.hide(one) for one in ("john_doe CT", "JohnDoe", "123456-thorax", "Doerr", "thorax")]
        ['patient-9c1f CT', 'patient-9c1f', 'patient-9c1f-thorax', 'Doerr', 'thorax']
        """
        if not (self.words or self.wholes):
            return text
        if text not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[text] = self._hide(text)
        return self._known[text]

    def _hide(self, text: str) -> str:
        for plain in (_plain(text), _plain(text.translate(_UMLAUTS))):
            key = self.wholes.get("".join(_TOKEN.findall(plain)).casefold())
            if key is not None:
                return f"patient-{key}"
            found = list(self._find(plain))
            if found:
                return _replaced(plain, found)
        return text

    def _find(self, plain: str) -> Iterator[tuple[int, int, str]]:
        """Yield where the longest runs of tokens begin and end that name a patient, and whom."""
        tokens = list(_TOKEN.finditer(plain))
        position = 0
        while position < len(tokens):
            for n in range(min(_LONGEST_RUN, len(tokens) - position), 0, -1):
                run = tokens[position : position + n]
                key = self.words.get(_compared("".join(one.group() for one in run)))
                if key is not None:
                    yield run[0].start(), run[-1].end(), key
                    position += n - 1
                    break
            position += 1


def _spellings(name: str) -> Iterator[str]:
    """Yield each word of a person's name (DICOM PS3.5 6.2.1: parts by ``^``, scripts by ``=``), and words together."""
    for script in name.split("="):
        for plain in {_plain(script), _plain(script.translate(_UMLAUTS))}:
            words = [word for word in re.findall(r"[^\W_]+", plain.casefold()) if word not in _PLACEHOLDERS]
            yield from words
            for n in {2, min(len(words), _MOST_WORDS)} if words else ():
                yield from ("".join(order) for order in permutations(words[:_MOST_WORDS], n))


def _numbers(text: str) -> Iterator[str]:
    squeezed = "".join(re.findall(r"[^\W_]+", _plain(text).casefold()))
    if squeezed and squeezed not in _PLACEHOLDERS:
        yield squeezed
        yield _compared(squeezed)


def _tells(number: str) -> bool:
    """Whether a number is long enough to be nobody else's by chance; leading zeros do not make it so."""
    return len(number.lstrip("0") if number.isdecimal() else number) >= _SHORTEST_NUMBER


def _compared(run: str) -> str:
    """Bring a run of tokens to the form it is looked up in: no capitals, numbers without leading zeros."""
    folded = run.casefold()
    return folded.lstrip("0") if folded.isdecimal() and len(folded.lstrip("0")) >= _SHORTEST_NUMBER else folded


def _plain(text: str) -> str:
    """Take accents off letters."""
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))


def _replaced(plain: str, found: list[tuple[int, int, str]]) -> str:
    """Put keys in the place of names; the parts of one name that stand side by side become one."""
    out, end, last = "", 0, ""
    for start, stop, key in found:
        between = plain[end:start]
        if not (key == last and not re.search(r"[^\W_]", between)):
            out += f"{between}patient-{key}"
        end, last = stop, key
    return out + plain[end:]
