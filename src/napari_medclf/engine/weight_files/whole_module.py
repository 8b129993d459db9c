"""Take the weights out of a whole network that was pickled, without running anything of it."""

from __future__ import annotations

import builtins
import pickle
import tarfile
import types
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from napari_medclf.domain.errors import CardError

_MOST_UNPACKED_TIMES = 200


def read_whole_module(path: Path) -> dict[str, Tensor]:
    """Read the weights of a file that ``torch.save(network, path)`` wrote, by name, on the CPU.

    Raises
    ------
    CardError
        If it is damaged, or holds no network.

    Notes
    -----
    Such a file names the classes of its layers, and unpickling it would run them. Here every class but those that
    hold tensors is an empty shell that keeps the attributes it is given, so that nothing of the file runs; weights
    and buffers are then found below ``_modules``, where ``torch.nn.Module`` keeps them.
    """
    _check_size(path)
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about sources it cannot compare
            found = torch.load(file, map_location="cpu", weights_only=False, pickle_module=_shell_pickle())
    except Exception as error:  # a damaged pickle fails in any way
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CardError(f"{path}: is cut short or damaged ({reason[:160]}).") from error
    state = dict(_tensors(found, ""))
    if not state:
        raise CardError(f"{path}: holds no network whose weights could be read.")
    return state


class _Shell:
    """Stands for any class, function or object that a file names; does nothing with what it is given."""

    def __new__(cls, *_: Any, **__: Any) -> _Shell:
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        self.kept: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.kept = dict(state) if isinstance(state, Mapping) else {}

    def __call__(self, *_: Any, **__: Any) -> _Shell:
        return _Shell()

    def __setitem__(self, key: Any, value: Any) -> None:
        """Take what a dict or list of another class would hold."""

    def append(self, value: Any) -> None:
        """Take what a list of another class would hold."""

    def extend(self, values: Any) -> None:
        """Take what a list of another class would hold."""


class _ShellUnpickler(pickle.Unpickler):
    """Finds shells, and what rebuilds tensors."""

    def find_class(self, module: str, name: str) -> Any:
        """Give a stand-in, made afresh, so that a file cannot change what others use."""
        maker = _MAKERS.get((module, name))
        if maker is not None:
            return lambda *arguments: maker(*arguments)
        if (module, name) in _KINDS:
            return _KINDS[module, name]
        is_storage = module in ("torch", "torch.cuda") and name.endswith("Storage")
        if is_storage and hasattr(torch, name):  # older files name the kind of their numbers so
            return getattr(torch, name)
        return type(name, (_Shell,), {})


def _rebuild_parameter(data: Any, *_: Any) -> Any:
    return data


def _rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Tensor:
    rebuilt: Tensor = torch._utils._rebuild_tensor_v2(storage, offset, size, stride, False, OrderedDict())  # noqa: SLF001
    return rebuilt


_MAKERS: Mapping[tuple[str, str], Callable[..., Any]] = types.MappingProxyType(
    {
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
        ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
        ("collections", "OrderedDict"): OrderedDict,
        ("torch", "Size"): torch.Size,
        ("torch", "device"): torch.device,
        **{(module, "set"): builtins.set for module in ("builtins", "__builtin__")},
    }
)
_KINDS: Mapping[tuple[str, str], Any] = types.MappingProxyType(
    {("torch", name): getattr(torch, name) for name in ("float16", "float32", "float64", "int64", "bool")}
)


def _shell_pickle() -> Any:
    """A stand-in for the module pickle, as ``torch.load`` takes one."""

    def load(file: Any, **arguments: Any) -> Any:
        return _ShellUnpickler(file, **arguments).load()

    return types.SimpleNamespace(Unpickler=_ShellUnpickler, load=load, __name__="pickle")


def _tensors(found: Any, prefix: str) -> Iterator[tuple[str, Tensor]]:
    if not isinstance(found, _Shell):
        return
    not_saved = found.kept.get("_non_persistent_buffers_set") or ()
    for holder in ("_parameters", "_buffers"):
        for name, value in _items(found.kept.get(holder)):
            if isinstance(value, Tensor) and name not in not_saved:
                yield prefix + name, value
    for name, module in _items(found.kept.get("_modules")):
        yield from _tensors(module, f"{prefix}{name}.")


def _items(found: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(found, Mapping):
        yield from ((name, value) for name, value in found.items() if isinstance(name, str))


def _check_size(path: Path) -> None:
    try:
        size, is_archive = path.stat().st_size, zipfile.is_zipfile(path)
        members = zipfile.ZipFile(path).infolist() if is_archive else []
        is_tar = tarfile.is_tarfile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise CardError(f"{path}: is cut short or damaged ({error}).") from error
    if sum(member.file_size for member in members) > _MOST_UNPACKED_TIMES * size:
        raise CardError(f"{path}: unpacks to more than {_MOST_UNPACKED_TIMES} times its size, which no weights do.")
    if is_tar or any(member.filename.endswith("constants.pkl") for member in members):
        raise CardError(
            f"{path}: is a program or another archive, not a network that was pickled."
        )  # torch would run it
