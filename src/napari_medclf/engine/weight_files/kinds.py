"""Tell what a weights file is by its content, whatever it is called."""

from __future__ import annotations

import zipfile
from enum import StrEnum
from pathlib import Path

_N_HEAD_BYTES = 1024
_LENGTH_BYTES = 8
_TAR_MARK = slice(257, 262)
# torch's format before 1.6: five pickles, the first of which is this number in protocol 2 (torch/serialization.py).
_LEGACY_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa85019")
_PICKLE_PROTOCOLS = (2, 3, 4, 5)
_MAGICS = (
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"GGUF", "GGUF"),
    (b"\x1f\x8b", "GZIP"),
    (b"\x93NUMPY", "NUMPY"),
    (b"version https://git-lfs", "LFS_POINTER"),
)


class FileKind(StrEnum):
    """What a file is, as the words that a person reads about it."""

    SAFETENSORS = "a safetensors file"
    TORCH = "a PyTorch file"
    TORCH_LEGACY = "a PyTorch file from before 2020"
    TORCHSCRIPT = "a TorchScript program"
    PT2 = "a PyTorch export archive (.pt2)"
    EMPTY = "empty"
    CUT_ZIP = "cut short: a zip archive without its end"
    KERAS = "a Keras model"
    NUMPY = "a NumPy array file"
    ZIP = "a zip archive of something else"
    HDF5 = "an HDF5 file, as Keras writes them"
    GGUF = "a GGUF file"
    GZIP = "a gzip archive; unpack it first"
    TAR = "a tar archive; unpack it first"
    PICKLE = "a pickle that PyTorch did not write"
    LFS_POINTER = "the pointer of Git LFS; the real file was not downloaded"
    HTML = "a web page; the download went wrong"
    JSON = "JSON text"
    TEXT = "plain text"
    UNKNOWN = "of no kind that is known here"
    MISSING = "not a file"


TENSOR_KINDS = (FileKind.SAFETENSORS, FileKind.TORCH, FileKind.TORCH_LEGACY)
"""The kinds that `engine.weights.read_tensors` reads."""


def sniff(path: Path) -> FileKind:
    """Tell what a file is from its first bytes and, for a zip archive, the names in it; never raises.

    Returns
    -------
    FileKind
        ``MISSING`` for what is no regular file or cannot be read.
    """
    try:
        if not path.is_file():
            return FileKind.MISSING
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_N_HEAD_BYTES)
    except (OSError, ValueError):
        return FileKind.MISSING
    if not head:
        return FileKind.EMPTY
    if head.startswith(b"PK"):
        return _sniff_zip(path)
    return _sniff_head(head, size)


def _sniff_head(head: bytes, size: int) -> FileKind:
    for magic, name in _MAGICS:
        if head.startswith(magic):
            return FileKind[name]
    if head.startswith(_LEGACY_MAGIC):
        return FileKind.TORCH_LEGACY
    if head[0] == 0x80 and len(head) > 1 and head[1] in _PICKLE_PROTOCOLS:
        return FileKind.PICKLE
    if _is_safetensors(head, size):
        return FileKind.SAFETENSORS
    if head[_TAR_MARK] == b"ustar":
        return FileKind.TAR
    return _sniff_text(head)


def _is_safetensors(head: bytes, size: int) -> bool:
    """Whether the file begins with the length of a JSON header, then ``{``."""
    n_header = int.from_bytes(head[:_LENGTH_BYTES], "little")
    is_braced = head[_LENGTH_BYTES : _LENGTH_BYTES + 1] == b"{"
    # a header that does not fit is a file cut short, as long as its length is a sane one
    return is_braced and 2 <= n_header <= max(size, 100_000_000)


def _sniff_text(head: bytes) -> FileKind:
    stripped = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if stripped.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return FileKind.HTML
    if b"\0" in head or sum(byte < 9 for byte in head):
        return FileKind.UNKNOWN
    if stripped.startswith((b"{", b"[")):
        return FileKind.JSON
    try:
        head[: len(head) - 3].decode("utf-8")  # the last character may be cut
    except UnicodeDecodeError:
        return FileKind.UNKNOWN
    return FileKind.TEXT


def _sniff_zip(path: Path) -> FileKind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return FileKind.CUT_ZIP
    inner = {name.partition("/")[2] for name in names}
    if {"archive_format", "models/model.json"} & inner or "serialized_exported_program.json" in {*names, *inner}:
        return FileKind.PT2
    if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
        return FileKind.TORCHSCRIPT
    if "data.pkl" in inner:
        return FileKind.TORCH
    if "model.weights.h5" in names:
        return FileKind.KERAS
    return FileKind.NUMPY if names and all(name.endswith(".npy") for name in names) else FileKind.ZIP
