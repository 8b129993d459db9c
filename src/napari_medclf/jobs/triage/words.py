"""Say in a sentence why a case stands where it does in the triage list."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from napari_medclf.domain.triage import DoubtKind

if TYPE_CHECKING:
    from napari_medclf.engine.triage.compare import Compared

_WORTH_SAYING = 0.2
_MOST_SAID = 3
_COLUMNS = {DoubtKind.SIZE: ("size",), DoubtKind.SHAPE: ("shape", "fit"), DoubtKind.PIECES: ("pieces",)}
_AXIS = {"k": "slices", "j": "rows", "i": "columns"}
_PLAIN = {
    "elongation": "elongation",
    "fill": "compactness",
    "inside": "brightness",
    "contrast": "contrast with what lies around",
    "texture": "roughness",
    "largest": "share of the largest piece",
    "edge": "agreement of its outline with edges of the image",
    "object": "size of an object",
    "covered": "part of the image that is covered",
    "object_spread": "variety of object sizes",
    "object_sides": "elongation of objects",
}


def sentence_of(parts: Mapping[DoubtKind, float], compared: Compared, row: int) -> str:
    """Name the strongest doubts with their numbers.

    Parameters
    ----------
    row : int
        Of the case, in `compared`.
    """
    strong = sorted((kind for kind, part in parts.items() if part >= _WORTH_SAYING), key=lambda kind: -parts[kind])
    said = [_say(kind, compared, row) for kind in strong[:_MOST_SAID]]
    return " ".join(one for one in said if one) or "Nothing unusual was found."


def _say(kind: DoubtKind, compared: Compared, row: int) -> str:
    if kind in _COLUMNS:
        return _say_number(compared, row, _COLUMNS[kind])
    if kind is DoubtKind.ENTROPY:
        return f"The model is unsure (entropy {compared.number('doubt:entropy', row):.2f})."
    if kind is DoubtKind.DISAGREEMENT:
        return f"Answers to the same image differ (disagreement {compared.number('doubt:disagreement', row):.2f})."
    if kind is DoubtKind.EMPTY:
        return "Nothing was found of what other cases have."
    if kind is DoubtKind.UNFIT:
        return "The image is not what the model's card asks for."
    if math.isnan(compared.number("feature:00", row)):  # ONNX Runtime and OpenVINO let nobody listen to the network
        return "The image looks unlike the others; what the network saw in it is not known."
    return "The image is unlike the others, to the eye or to the network."


def _say_number(compared: Compared, row: int, kinds: tuple[str, ...]) -> str:
    """Name the number of some kinds that is farthest from the usual one."""
    import numpy as np

    columns = [n for n, name in enumerate(compared.names) if name.partition(":")[0] in kinds]
    apart = np.abs(np.nan_to_num(compared.apart[row, columns]))
    if not len(apart):
        return ""
    column = columns[int(apart.argmax())]
    name, value, usual = compared.names[column], compared.numbers[row, column], compared.usual[column]
    is_more = value > usual
    kind, _, rest = name.partition(":")
    if kind == "size" and not rest.startswith("covered"):
        times = math.exp(value), math.exp(usual)
        return f"{_size_name(rest)} is {times[0]:.3g}, usually {times[1]:.3g}."
    trait, _, one_class = rest.partition(":")
    of = f" of {one_class}" if one_class else ""
    if trait == "count":
        return f"Number of separate pieces{of} is {math.exp(value):.0f}, usually {math.exp(usual):.0f}."
    spreads = f"{min(float(apart.max()), 99):.1f} spreads"
    return f"{_sentence_case(_trait_name(trait))}{of} is {spreads} {'above' if is_more else 'below'} the usual."


def _size_name(name: str) -> str:
    """Name a column of sizes.

    >>> _size_name("volume_ml:liver"), _size_name("n_objects:nucleus")
    ('Volume of liver (ml)', 'Number of nucleus')
    """
    column, _, one_class = name.partition(":")
    if column.startswith("n_"):
        return f"Number of {one_class}"
    what, _, unit = column.partition("_")
    if what == "object":
        return "Size of an object (px)"
    return f"{what.capitalize()} of {one_class} ({unit})"


def _trait_name(trait: str) -> str:
    """Name a trait.

    >>> _trait_name("tilt_kj"), _trait_name("place_i")
    ('tilt between slices and rows', 'place along the columns')
    """
    what, _, axes = trait.rpartition("_")
    if what == "tilt":
        return f"tilt between {_AXIS[axes[0]]} and {_AXIS[axes[1]]}"
    if axes in _AXIS and what:
        words = {"place": "place", "offset": "place within the whole", "extent": "extent", "skew": "lopsidedness"}
        return f"{words.get(what, what)} along the {_AXIS[axes]}"
    return _PLAIN.get(trait, trait.replace("_", " "))


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]
