"""How the options of a dataclass are shown in a form."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from napari_medclf.domain.options import OptionInfo


@dataclass(frozen=True, kw_only=True)
class FormLook:
    """Which options a form shows, where, and in which words.

    Parameters
    ----------
    hidden : collection of str
        Options that the panel around the form decides itself; pass them to `OptionsForm.read`.
    labels : mapping of str to str
        Better names for some rows; others are made from the option's name.
    hints : mapping of str to str
        What an empty line means, shown in it.
    folders : collection of str
        Paths that are always folders.
    folded : collection of str
        Options to show under "More options" beside those that are advanced anyway.
    groups : mapping of str to collection of str
        Options to show under a title of their own, which is folded.
    """

    hidden: Collection[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    folders: Collection[str] = ()
    folded: Collection[str] = ()
    groups: Mapping[str, Collection[str]] = field(default_factory=dict)

    def is_folded(self, info: OptionInfo) -> bool:
        """Tell whether an option stands under "More options"."""
        return not self.is_grouped(info) and (info.is_advanced or info.name in self.folded)

    def is_grouped(self, info: OptionInfo) -> bool:
        """Tell whether an option stands under a title of its own."""
        return any(info.name in names for names in self.groups.values())

    def label(self, info: OptionInfo) -> str:
        """Give the name of an option's row."""
        return self.labels.get(info.name, row_label(info))


def row_label(info: OptionInfo) -> str:
    """Make a row's name from an option's name; the unit stands in the field.

    >>> from napari_medclf.domain.options import OptionInfo
    >>> row_label(OptionInfo("max_minutes", float, 30.0, "", unit="min"))
    'Max minutes'
    """
    return info.name.replace("_", " ").capitalize()
