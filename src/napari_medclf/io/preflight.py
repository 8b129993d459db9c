"""Cheap looks at a file before any library opens it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_medclf.domain.errors import GridError, MedclfError, ReadError
from napari_medclf.free_memory import available_bytes

_USABLE = 0.8
_NEVER_ASKED = 2**26
# Deflate cannot pack better than 1032 : 1 (RFC 1951), so a file that declares more is lying.
DEFLATE_RATIO = 1040
# A mask of one organ in a whole body packs 900 : 1, and takes half a GiB at most as 8 bits.
_BOMB_BYTES, _BOMB_RATIO = 2**30, 500
_ERROR_TEXT = 140


class NoNumberError(ValueError):
    """A field that should hold numbers holds something else; its message is the field's name and nothing more."""


def check_file(path: Path) -> int:
    """Refuse what must not be opened, and return the size in bytes.

    A pipe blocks whoever opens it, so the kind is asked for before anything else.

    Raises
    ------
    ReadError
        If there is nothing, or it is a folder, a pipe, a device, empty, or not ours to read.
    """
    size = _check_entry(path)
    _read(path, 0)
    return size


def _check_entry(path: Path) -> int:
    try:
        info = path.stat()
    except FileNotFoundError:
        raise ReadError(path, "there is no such file", "Check the name; a link may point nowhere.") from None
    except PermissionError:
        raise ReadError(path, "there is no permission to look at it") from None
    except (OSError, ValueError) as error:
        raise ReadError(path, f"cannot be reached ({getattr(error, 'strerror', None) or error})") from error
    if stat.S_ISDIR(info.st_mode):
        raise ReadError(path, "is a folder, and a file was expected")
    if not stat.S_ISREG(info.st_mode):
        raise ReadError(path, "is a pipe, socket or device, not a file")
    if info.st_size == 0:
        raise ReadError(path, "is empty (0 bytes)", "The copy may have failed; fetch it again.")
    return info.st_size


def read_head(path: Path, n_bytes: int) -> bytes:
    """Check a file as `check_file` does, and read its first bytes; opens it once.

    Raises
    ------
    ReadError
        As `check_file`.
    """
    _check_entry(path)
    return _read(path, n_bytes)


def is_special(path: Path) -> bool:
    """Whether this is a pipe, a socket or a device."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _read(path: Path, n_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(n_bytes)
    except OSError as error:
        reason = "there is no permission to read it" if isinstance(error, PermissionError) else "cannot be opened"
        raise ReadError(path, reason) from error


def check_budget(path: Path, n_bytes: int) -> None:
    """Refuse an image that would not fit into the memory that is free now.

    Raises
    ------
    ReadError
        Saying how much is needed and how much there is.
    """
    if n_bytes <= _NEVER_ASKED:
        return
    free = available_bytes()
    if n_bytes > _USABLE * free:
        raise ReadError(
            path,
            f"declares {n_bytes / 2**30:.1f} GiB of samples, and {free / 2**30:.1f} GiB of memory are free",
            "Close other programs, or crop the image first.",
        )


def check_declared(path: Path, declared_bytes: int, present_bytes: int, *, is_compressed: bool = False) -> None:
    """Refuse a file that is shorter than its header says, would not fit into memory, or is packed like a bomb.

    Raises
    ------
    ReadError
        With both numbers.
    """
    limit = present_bytes * DEFLATE_RATIO if is_compressed else present_bytes
    if declared_bytes > limit:
        packed = "packed " if is_compressed else ""
        raise ReadError(
            path,
            f"is truncated: it declares {declared_bytes} bytes of samples, and {packed}{present_bytes} are there",
            "Fetch the file again.",
        )
    if is_compressed and declared_bytes > max(_BOMB_BYTES, _BOMB_RATIO * present_bytes):
        raise ReadError(
            path,
            f"declares {declared_bytes / 2**30:.1f} GiB packed into {present_bytes / 2**20:.1f} MiB, as only a bomb or "
            "something nearly empty is",
            "If you trust it, save it unpacked or cropped.",
        )
    check_budget(path, declared_bytes)


@contextmanager
def refusing(path: Path, reason: str, *, with_text: bool = True) -> Iterator[None]:
    """Turn whatever a library raises on a foreign file into one `ReadError` that names the file.

    Parameters
    ----------
    with_text : bool
        Whether the library's own words may be shown; never for DICOM headers, whose values
        libraries put into their messages.
    """
    try:
        yield
    except GridError as error:
        raise ReadError(path, str(error)) from error
    except MedclfError:
        raise
    except NoNumberError as error:
        raise ReadError(path, f"has a {error} that is no number", "Its header is damaged.") from error
    except MemoryError as error:
        raise ReadError(path, "does not fit into memory", "Close other programs, or crop the image first.") from error
    except Exception as error:  # libraries raise anything on damaged files, and one of many must not end a batch
        raise ReadError(path, f"{reason} ({_describe(error, path, with_text)})") from error


def _describe(error: Exception, path: Path, with_text: bool) -> str:
    kind = type(error).__name__
    text = " ".join(str(error).replace(str(path), "the file").split())
    if not with_text or not text:
        return kind
    return f"{kind}: {text[:_ERROR_TEXT]}"
