"""What of a bundle would have to run, with a digest of everything that could take part in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from napari_medclf.backends.monai_bundle.files import BundleFiles, read_bundle
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.trust import Trust

_CODE_FOLDERS = ("configs", "scripts")
_MOST_BYTES = 50_000_000


def ask_for_trust(bundle: BundleFiles, code: tuple[str, ...], program: Trust | None) -> Trust | None:
    """Say what would run; None where nothing would.

    Parameters
    ----------
    code : tuple of str
        Of the network, from `network.code_of`.
    program : Trust or None
        Of weights that are a TorchScript program themselves.

    Raises
    ------
    CardError
        If its files are larger than code is, or a link leads out of the bundle.
    """
    if not code and program is None:
        return None
    what = list(code)
    if code:
        what += [f"imports: {text}" for text in bundle.inference.texts("imports")]
        what += [f"the file {name}" for name, _ in _contents(bundle.folder) if name.startswith("scripts/")]
    digest = hashlib.sha256()
    for name, content in _contents(bundle.folder):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    if program is not None:
        what += [f"the TorchScript program {line}" if n == 0 else line for n, line in enumerate(program.what)]
        digest.update(program.sha256.encode())
    return Trust(digest.hexdigest(), tuple(what))


def copy_code(bundle: BundleFiles, target: Path) -> BundleFiles:
    """Copy what the digest is of, and nothing else, into an empty folder, to be run from there.

    Notes
    -----
    Python would otherwise take what nobody was asked about: compiled files of ``__pycache__``, which it may believe
    without a look at their source, and modules that lie elsewhere in the bundle.
    """
    for name, content in _contents(bundle.folder):
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return read_bundle(target)


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    n_bytes = 0
    for path in sorted(path for name in _CODE_FOLDERS for path in (folder / name).rglob("*")):
        if not path.is_file() or "__pycache__" in path.parts:
            continue
        if not path.resolve().is_relative_to(folder.resolve()):
            raise CardError(f"{path}: is a link that leads out of the bundle.")
        n_bytes += path.stat().st_size
        if n_bytes > _MOST_BYTES:
            raise CardError(f"{folder}: its configs and scripts have more than {_MOST_BYTES} bytes.")
        yield path.relative_to(folder).as_posix(), path.read_bytes()
