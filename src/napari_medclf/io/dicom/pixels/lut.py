"""Lookup tables: what a DICOM header maps stored samples to, as a table instead of a slope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Lut:
    """A table.

    Parameters
    ----------
    first : int
        The sample that the first entry is for; lower ones take it too, and higher ones the last entry.
    entries : (N,) uint8 or uint16
    bits : int
        How many bits of an entry count.
    """

    first: int
    entries: NDArray[Any]
    bits: int

    def apply(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Look up samples, PS3.3 C.11.1.1.1."""
        places = np.clip(samples.astype(np.int64) - self.first, 0, len(self.entries) - 1)
        return np.asarray(self.entries[places])


def find_lut(item: Any, *, is_signed: bool, is_little_endian: bool = True) -> Lut:
    """Read the table of an item of a modality or VOI LUT sequence.

    Raises
    ------
    ValueError
        If it has no three-number descriptor, or fewer entries than that says.
    """
    return make_lut(item.get("LUTDescriptor"), item.get("LUTData"), is_signed, is_little_endian)


def make_lut(descriptor: Any, data: Any, is_signed: bool, is_little_endian: bool) -> Lut:
    """Build a table of a descriptor (entries, first sample, bits) and its data, as words or bytes.

    Raises
    ------
    ValueError
        If the descriptor is not three numbers, or there are fewer entries than it says.
    """
    if descriptor is None or data is None or len(descriptor) != 3:
        raise ValueError("no lookup table")
    n_entries, first, bits = (int(one) for one in descriptor)
    n_entries = n_entries % 2**16 or 2**16  # PS3.3 C.11.1.1: zero means 2**16, which two bytes cannot hold
    if is_signed and first >= 2**15:
        first -= 2**16
    entries = _entries(data, n_entries, bits, is_little_endian)
    if len(entries) < n_entries:
        raise ValueError(f"{len(entries)} of {n_entries} entries")
    return Lut(first, entries[:n_entries], min(max(bits, 8), 16))


def _entries(data: Any, n_entries: int, bits: int, is_little_endian: bool) -> NDArray[Any]:
    """Entries as whole numbers; of eight bits two may share a word, PS3.3 C.7.6.3.1.6."""
    if not isinstance(data, bytes | bytearray):
        values = np.atleast_1d(np.asarray(data)).astype(np.int64) % 2**16
        if bits > 8 or len(values) >= n_entries:
            return values.astype(np.uint16)
        data = values.astype("<u2").tobytes()
        is_little_endian = True
    if bits <= 8 and len(data) < 2 * n_entries:
        plain = np.frombuffer(data, np.uint8)
        return plain if is_little_endian else plain[: len(plain) // 2 * 2].reshape(-1, 2)[:, ::-1].ravel()
    return np.frombuffer(data, "<u2" if is_little_endian else ">u2", len(data) // 2).astype(np.uint16)
