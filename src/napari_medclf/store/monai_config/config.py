"""A bundle's configuration: follow its references and describe what it asks for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import CardError
from napari_medclf.store.monai_config.expression import MAX_CHARACTERS, NotUnderstood, understand
from napari_medclf.store.monai_config.parse import MAX_DEPTH, SUFFIXES, read_file
from napari_medclf.store.monai_config.pieces import Code, Component
from napari_medclf.store.monai_config.targets import canonical, is_allowed

_REFERENCE = re.compile(r"@(?:\w*)(?:::\w*)*")
_SPECIAL = ("_target_", "_disabled_", "_requires_", "_desc_", "_mode_")
_MAX_STEPS = 20_000


class Config:
    """One configuration file of a bundle.

    Parameters
    ----------
    content : dict
        As `read_file` gives it.
    folder : Path
        The bundle; ``bundle_root`` is read as ``.``, whatever the file says, and macros read files below it only.

    Notes
    -----
    The syntax is that of MONAI 1.6.1's ``ConfigParser``: ``@id`` and ``@a::b`` (older: ``@a#b``) refer to a value,
    ``%id`` and ``%file::id`` copy its text, ``$...`` is an expression, ``_target_`` names a class. MONAI imports and
    calls all of these; here they are read as descriptions, and what is not on the list stays text (`Code`).
    """

    def __init__(self, content: dict[str, Any], folder: Path) -> None:
        self._content = {**content, "bundle_root": "."}
        self._folder = folder
        self._known: dict[str, Any] = {}
        self._waiting: list[str] = []
        self._n_steps = 0
        self._files: dict[Path, Any] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._content

    @property
    def names(self) -> tuple[str, ...]:
        """What the file names at its top."""
        return tuple(self._content)

    def describe(self, name: str) -> Any:
        """Describe the value of an id such as ``network_def`` or ``preprocessing::transforms``.

        Raises
        ------
        CardError
            If it is not there, refers to itself, or to what is not there.
        """
        name = name.replace("#", "::")
        if name in self._known:
            return self._known[name]
        if name in self._waiting:
            raise CardError(f"{self._folder}: its configuration refers to @{name} from within @{name}.")
        self._waiting.append(name)
        try:
            self._known[name] = self._describe(self._find(name), name)
        finally:
            self._waiting.pop()
        return self._known[name]

    def texts(self, name: str) -> tuple[str, ...]:
        """List the strings below an id as they are written, such as the ``imports``; empty where there is none."""
        value = self._content.get(name)
        each = value if isinstance(value, list) else [value]
        return tuple(one for one in each if isinstance(one, str))

    def expanded(self) -> dict[str, Any]:
        """Give all content with the macros of other files written out, as they are read here.

        Raises
        ------
        CardError
            If one reads a file outside of the bundle, or what is not there.
        """
        return {key: self._expanded(value, key, 0) for key, value in self._content.items()}

    def _expanded(self, value: Any, where: str, depth: int) -> Any:
        self._n_steps += 1
        if self._n_steps > _MAX_STEPS or depth > MAX_DEPTH:
            raise CardError(f"{self._folder}: its configuration refers to itself more often than this program follows.")
        if isinstance(value, dict):
            return {key: self._expanded(one, f"{where}::{key}", depth + 1) for key, one in value.items()}
        if isinstance(value, list):
            return [self._expanded(one, f"{where}::{n}", depth + 1) for n, one in enumerate(value)]
        if isinstance(value, str) and value.startswith("%"):
            return self._expanded(self._expand(value, where), where, depth + 1)
        return value

    def _find(self, name: str) -> Any:
        value: Any = self._content
        for part in name.split("::"):
            if isinstance(value, str) and value.startswith("%"):
                value = self._expand(value, name)
            if isinstance(value, dict) and part in value:
                value = value[part]
            elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            elif isinstance(value, str) and value.startswith(("@", "$")):
                return self._find_described(name)
            else:
                raise CardError(f"{self._folder}: its configuration refers to @{name}, which it does not hold.")
        return value

    def _find_described(self, name: str) -> Any:
        """Look inside of a value that is itself a reference."""
        above, _, last = name.rpartition("::")
        value = self.describe(above)
        if isinstance(value, dict) and last in value:
            return value[last]
        if isinstance(value, list) and last.isdecimal() and int(last) < len(value):
            return value[int(last)]
        raise CardError(f"{self._folder}: its configuration refers to @{name}, which it does not hold.")

    def _describe(self, value: Any, where: str) -> Any:
        self._n_steps += 1
        if self._n_steps > _MAX_STEPS:
            raise CardError(f"{self._folder}: its configuration refers to itself more often than this program follows.")
        if isinstance(value, str):
            return self._describe_text(value, where)
        if isinstance(value, list):
            return [self._describe(one, f"{where}::{n}") for n, one in enumerate(value)]
        if isinstance(value, dict):
            return self._describe_component(value, where) if "_target_" in value else self._describe_dict(value, where)
        return value

    def _describe_dict(self, value: dict[str, Any], where: str) -> dict[str, Any]:
        return {key: self._describe(one, f"{where}::{key}") for key, one in value.items()}

    def _describe_text(self, text: str, where: str) -> Any:
        if text.startswith("%"):
            return self._describe(self._expand(text, where), where)
        if text.startswith("$"):
            return self._describe_expression(text, where)
        plain = _absolute(text, where)
        if text.startswith("@") and _REFERENCE.fullmatch(plain):
            return self.describe(plain[1:])
        return text

    def _describe_expression(self, text: str, where: str) -> Any:
        if len(text) > MAX_CHARACTERS:
            return Code(where, text)
        names: dict[str, Any] = {}

        def replace(found: re.Match[str]) -> str:
            name = f"_value_{len(names)}"
            names[name] = self.describe(found[0][1:])
            return name

        try:
            return understand(_REFERENCE.sub(replace, _absolute(text[1:], where)), names, where)
        except (NotUnderstood, CardError):
            return Code(where, text)

    def _describe_component(self, value: dict[str, Any], where: str) -> Any:
        written = value["_target_"]
        if not isinstance(written, str) or written.startswith(("$", "@")):
            return Code(f"{where}::_target_", str(written))
        target = canonical(written)
        arguments = self._describe_dict({k: v for k, v in value.items() if k not in _SPECIAL}, where)
        disabled = self._describe(value.get("_disabled_", False), f"{where}::_disabled_")
        return Component(
            target,
            arguments,
            is_disabled=disabled.strip().lower() == "true" if isinstance(disabled, str) else disabled is True,
            is_allowed=is_allowed(target) and value.get("_mode_", "default") == "default",
            where=where,
        )

    def _expand(self, text: str, where: str) -> Any:
        """Follow a macro ``%id`` or ``%file.json::id``; the file lies in the bundle."""
        macro = _absolute(text, where)[1:]
        found = re.match(r"(.*\.(?:json|yaml|yml))(?:::(.*))?$", macro)
        if found is None:
            return self._find(macro)
        path = self._folder / found[1]
        if path.suffix not in SUFFIXES or not path.resolve().is_relative_to(self._folder.resolve()):
            raise CardError(f"{self._folder}: its configuration reads {found[1]!r}, which is outside of the bundle.")
        if path not in self._files:
            self._files[path] = read_file(path)
        value = self._files[path]
        for part in filter(None, (found[2] or "").split("::")):
            value = _pick(value, part)
            if value is None:
                raise CardError(f"{self._folder}: its configuration reads {text!r}, which is not there.")
        return value


def read_config(path: Path, folder: Path) -> Config:
    """Read a bundle's configuration file.

    Raises
    ------
    CardError
        If it is damaged, too large, or no configuration.
    """
    return Config(read_file(path), folder)


def _absolute(text: str, where: str) -> str:
    """Write references with ``::`` and those relative to a place (``@##a``) in full."""
    text = re.sub(r"(?<=\w)#(?=\w)", "::", text)

    def replace(found: re.Match[str]) -> str:
        n_up = len(found[2].replace("::", "#"))
        above = where.split("::")[:-n_up]
        return found[1] + "".join(f"{part}::" for part in above)

    return re.sub(r"([@%])((?:#|::)+)", replace, text)


def _pick(value: Any, part: str) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return None
