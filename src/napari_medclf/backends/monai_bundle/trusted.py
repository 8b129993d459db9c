"""Run what a bundle brings as code; only for content that a person allowed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.backends.monai_bundle.files import BundleFiles
from napari_medclf.domain.errors import BackendUnavailable, CardError

if TYPE_CHECKING:
    from torch import nn


def build_by_bundle(bundle: BundleFiles, name: str, home: Path) -> nn.Module:
    """Let MONAI's own parser build the network: expressions are evaluated and ``scripts/`` imported.

    Only the network and what it refers to is built. ``logging.conf`` is not read.

    Parameters
    ----------
    bundle : BundleFiles
        A copy of its code (`trust.copy_code`), from which modules are imported.
    home : Path
        The bundle's own folder: its ``bundle_root``, where its other files lie.

    Raises
    ------
    CardError
        If it fails.
    BackendUnavailable
        If its code needs a package that is not installed.
    """
    from monai.bundle import ConfigParser
    from torch import nn

    with _importable(bundle.folder):
        try:
            parser = ConfigParser(bundle.inference.expanded())
            parser["bundle_root"] = str(home)
            network = parser.get_parsed_content(name)
        except ImportError as error:
            raise BackendUnavailable(_missing(home, error)) from error
        except Exception as error:
            if isinstance(error.__cause__, ImportError):
                raise BackendUnavailable(_missing(home, error.__cause__)) from error
            raise CardError(f"{home}: its own code cannot build the network ({_one_line(error)}).") from error
    if not isinstance(network, nn.Module):
        raise CardError(f"{home}: its own code makes a {type(network).__name__}, which is no network.")
    return network.cpu()


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let ``scripts`` of this bundle be imported, and no other bundle's that was imported before."""
    for name in [name for name in sys.modules if name == "scripts" or name.startswith("scripts.")]:
        del sys.modules[name]
    root = str(folder.resolve())
    sys.path.insert(0, root)
    try:
        yield
    finally:
        if root in sys.path:
            sys.path.remove(root)


def _missing(folder: Path, error: BaseException) -> str:
    return f"{folder}: its own code needs a package that is not installed ({_one_line(error)}). Install it."


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300].rstrip(".")
