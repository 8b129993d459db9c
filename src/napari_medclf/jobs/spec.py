"""Record what was asked for and with which versions, so that it can be run again."""

from __future__ import annotations

import dataclasses
import os
import platform
from collections.abc import Mapping
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from napari_medclf.domain.options import option_fields
from napari_medclf.domain.run import RunSpec
from napari_medclf.jobs.json_text import printable

_PACKAGES = ("napari-medclf", "torch", "monai", "numpy", "scipy", "scikit-learn", "scikit-image", "pydicom", "nibabel")


def spec_of(command: str, options: Any, *, seed: int = 0, base: Path | None = None, **more: Any) -> RunSpec:
    """Describe a run.

    Parameters
    ----------
    options : dataclass instance
        Made of `domain.options.option` fields.
    base : Path or None
        Paths are written relative to this folder where they can be, with forward slashes, so that
        the description travels and names no home folder; None keeps them absolute.
    more :
        Further values to keep with the options, such as the resolved recipe.
    """
    values = {info.name: _plain(getattr(options, info.name), base) for info in option_fields(type(options))}
    kept = {name: _plain(value, base) for name, value in more.items()}
    return RunSpec(command=command, options=values | kept, seed=seed, versions=package_versions())


def options_from(spec: RunSpec, options: type[Any], **changes: Any) -> Any:
    """Build the options back from a description; `changes` win.

    Fields of other versions that are not known here are left out.
    """
    values: dict[str, Any] = {}
    for info in option_fields(options):
        if info.name in changes:
            values[info.name] = changes[info.name]
        elif info.name in spec.options:
            values[info.name] = _typed(spec.options[info.name], info.kind, is_many=info.is_many)
    return options(**values)


def package_versions() -> dict[str, str]:
    """List the versions of this package, Python and what results depend on, this package first."""
    found: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | {"python": platform.python_version()}


def portable_path(path: Path, base: Path) -> str:
    """Write a path relative to a folder; a path far from it is reduced to its name.

    >>> portable_path(Path("/data/retina"), Path("/data/work"))
    '../retina'
    >>> portable_path(Path("/home/jane/retina"), Path("/data/work"))
    'retina'
    """
    absolute = Path(os.path.abspath(path))
    try:
        relative = Path(os.path.relpath(absolute, base))
    except ValueError:  # another drive on Windows
        return absolute.name
    is_near = relative.parts.count("..") <= 1 or not path.is_absolute()
    return relative.as_posix() if is_near else absolute.name


def _plain(value: Any, base: Path | None) -> Any:
    if isinstance(value, Path):
        return printable(portable_path(value, base) if base else Path(os.path.abspath(value)).as_posix())
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): _plain(one, base) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one, base) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name), base) for field in dataclasses.fields(value)}
    return value


def _typed(value: Any, kind: type, *, is_many: bool) -> Any:
    if value is None:
        return None
    return tuple(kind(one) for one in value) if is_many else kind(value)
