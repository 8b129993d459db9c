"""What a file calls its patient: held for as long as it takes to keep it out of names."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PatientIdentity:
    """The names and numbers of one patient; never shown, logged or written.

    Parameters
    ----------
    names : tuple of str
        DICOM person names, such as ``DOE^JOHN^^^=...``, and other names the file gives.
    numbers : tuple of str
        Patient ID and further ones.
    key : str
        What tells patients apart without naming them; stands in the place of what is hidden.
    """

    names: tuple[str, ...] = field(repr=False)
    numbers: tuple[str, ...] = field(repr=False)
    key: str
