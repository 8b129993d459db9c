"""Write results as JSON that every parser accepts."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any


def json_text(document: Mapping[str, Any], *, is_ascii: bool = False) -> str:
    """Write a document as indented JSON; not-a-number becomes null, which JSON knows.

    >>> print(json_text({"dice": float("nan")}))
    {
      "dice": null
    }
    """
    return json.dumps(plain(document), indent=2, ensure_ascii=is_ascii, allow_nan=False)


def plain(value: Any) -> Any:
    """Reduce a value to what JSON has: dicts, lists, text, finite numbers, booleans, null."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return printable(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="json", by_alias=True))
    if isinstance(value, Path):
        return printable(str(value))
    if hasattr(value, "tolist"):  # numpy arrays and numbers
        return plain(value.tolist())
    return [plain(one) for one in value]


def printable(text: str) -> str:
    r"""Write the bytes of a file name that are no UTF-8 as ``\xff``, so that every output takes the text.

    >>> printable("scan-\udcff.png")
    'scan-\\xff.png'
    """
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
