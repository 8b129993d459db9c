"""Read a PyTorch file so that nothing in it can run."""

from __future__ import annotations

import pickletools
import threading
import warnings
import zipfile
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, Any

import numpy as np
import torch

from napari_medclf.domain.errors import CardError
from napari_medclf.engine.weight_files.kinds import FileKind, sniff

# torch stores tensors as they are; an archive that unpacks to more than this times its size was made to do harm.
_MOST_UNPACKED_TIMES = 200
_MOST_MEMBERS = 100_000
_MOST_SHOWN = 3
_N_LEGACY_PICKLES = 5
# torch keeps one list of allowed classes for the whole process; two threads must not change it at once.
_ONE_AT_A_TIME = threading.Lock()


def read_checkpoint(path: Path) -> Any:
    """Read what ``torch.save`` wrote: tensors, numpy arrays, numbers, text, lists and dicts of them, on the CPU.

    Returns
    -------
    Any
        The object as it was saved, commonly a dict; `engine.weights.read_tensors` finds the weights in it.

    Raises
    ------
    CardError
        If it is no such file, is cut short or damaged, or holds other classes, which would have to be run.

    Notes
    -----
    ``weights_only=True`` always; beyond torch's own list only numpy's arrays, dtypes and scalars are allowed, which
    nnU-Net and many training scripts write beside the weights.
    """
    kind = sniff(path)
    if kind not in (FileKind.TORCH, FileKind.TORCH_LEGACY):
        raise CardError(f"{path}: is {kind}, not a PyTorch file with weights.")
    if kind is FileKind.TORCH:
        _check_archive(path)
    with _ONE_AT_A_TIME, warnings.catch_warnings(), torch.serialization.safe_globals(_numpy_globals()):
        warnings.simplefilter("ignore")  # of torch, about its own old formats
        try:
            with path.open("rb") as file:  # given a path, torch 2.13 goes by its suffix
                return torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged pickle fails in any way
            raise CardError(_explain(path, kind, error)) from error


def _numpy_globals() -> list[Any]:
    """Name what rebuilds arrays and numbers of numpy, under the names of numpy 1 and 2."""
    from numpy._core import multiarray

    both = ("numpy.core.multiarray", "numpy._core.multiarray")
    makers = [(getattr(multiarray, name), f"{module}.{name}") for module in both for name in ("_reconstruct", "scalar")]
    kinds = [type(np.dtype(code)) for code in "?bBhHiIlLqQefdgFDSU"]
    return [*makers, np.ndarray, np.dtype, *kinds]


def _check_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    names = [member.filename for member in members]
    if len(members) > _MOST_MEMBERS or len(set(names)) < len(names):
        raise CardError(f"{path}: is damaged; its archive names a file twice, or too many.")
    if sum(member.file_size for member in members) > _MOST_UNPACKED_TIMES * path.stat().st_size:
        raise CardError(f"{path}: unpacks to more than {_MOST_UNPACKED_TIMES} times its size, which no weights do.")


def _explain(path: Path, kind: FileKind, error: Exception) -> str:
    if isinstance(error, MemoryError):
        return f"{path}: does not fit into memory."
    foreign = _foreign_classes(path, kind) if isinstance(error, UnpicklingError) else []
    if foreign:
        shown = ", ".join(foreign[:_MOST_SHOWN])
        more = f" and {len(foreign) - _MOST_SHOWN} more" if len(foreign) > _MOST_SHOWN else ""
        return (
            f"{path}: needs full unpickling, which can run anything ({shown}{more}), and is not read. Ask its owner "
            "for a safetensors file or a plain state dict."
        )
    lines = str(error).splitlines() or [type(error).__name__]
    return f"{path}: is cut short or damaged ({lines[0][:160]})."


def _foreign_classes(path: Path, kind: FileKind) -> list[str]:
    """Name the classes that a file asks for and that are not allowed, without running any."""
    try:
        if kind is FileKind.TORCH:
            return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
        with path.open("rb") as file:
            asked = {name for _ in range(_N_LEGACY_PICKLES) for name in _classes_in_pickle(file)}
    except Exception:  # noqa: BLE001  (the same damaged pickle)
        return []
    allowed = ("torch.", "collections.OrderedDict", "numpy.")
    return sorted(name for name in asked if not name.startswith(allowed))


def _classes_in_pickle(file: IO[bytes]) -> list[str]:
    found: list[str] = []
    texts: list[str] = []
    for code, argument, _ in pickletools.genops(file):
        if code.name == "GLOBAL":
            found.append(str(argument).replace(" ", "."))
        elif code.name == "STACK_GLOBAL" and len(texts) > 1:
            found.append(".".join(texts[-2:]))
        elif isinstance(argument, str):
            texts.append(argument)
    return found
