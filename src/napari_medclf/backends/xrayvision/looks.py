"""Tell TorchXRayVision's weights by what their pickle names, without unpickling."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from napari_medclf.engine.weight_files.kinds import FileKind, sniff

_MOST_READ_BYTES = 4_000_000
_NAMES = (b"denseblock1", b"denselayer1", b"transition1", b"norm5", b"classifier", b"conv0")
# The first convolution has one channel and 7 x 7 weights: the end of its shape, as pickle writes it.
_ONE_CHANNEL = re.compile(rb"K\x01K\x07K\x07t")
_WHOLE = b"_modules"


def looks_like_xrayvision(path: Path) -> bool:
    """Whether a file holds a DenseNet with torchvision's names for one gray channel; never raises."""
    pickled = _read_pickle(path)
    return all(name in pickled for name in _NAMES) and _ONE_CHANNEL.search(pickled) is not None


def is_whole_network(path: Path) -> bool:
    """Whether the network itself was pickled, and not its weights alone."""
    return _WHOLE in _read_pickle(path)


def _read_pickle(path: Path) -> bytes:
    """What names the weights in a file of PyTorch's; nothing for other files."""
    try:
        kind = sniff(path)
        if kind is FileKind.TORCH_LEGACY:
            with path.open("rb") as file:
                return file.read(_MOST_READ_BYTES)
        if kind is not FileKind.TORCH:
            return b""
        with zipfile.ZipFile(path) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(name) as member:
                return member.read(_MOST_READ_BYTES)
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return b""
