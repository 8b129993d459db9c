"""TorchScript: a network with its program in one file, which runs only with a person's trust."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.backends.foreign import check_digest, choose_card, find_source, is_source, package_of, ready
from napari_medclf.domain.backend import Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.domain.trust import Trust
from napari_medclf.engine.weight_files.kinds import FileKind, sniff
from napari_medclf.store.digests import file_sha256

if TYPE_CHECKING:
    from torch import Tensor, nn

_KIND = "torchscript"
_DEFAULT_SETTINGS = LoadSettings()
_MOST_CODE_BYTES = 50_000_000
_MOST_UNPACKED_TIMES = 200
_OPERATION = re.compile(r"\b(?:torch|ops(?:\.\w+)+?)\.(\w+)\(")
_METHOD = re.compile(r"^\s*(class \w+|def \w+)", re.MULTILINE)
# Operations of torch that reach outside of the computation.
_REACHING = ("from_file", "save", "load", "manual_seed", "set_num_threads")


class TorchScriptBackend:
    """See `domain.backend.Backend`."""

    name = "torchscript"
    title = "TorchScript program"

    def unavailable_because(self) -> str:
        """Nothing beyond this program's own dependencies is needed."""
        return ""

    def recognises(self, path: Path) -> bool:
        """Whether it is such a program, or an export archive, which `read` refuses by name."""
        return is_source(path, _KIND, lambda file: sniff(file) in (FileKind.TORCHSCRIPT, FileKind.PT2))

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        """Read what would run; the program is only looked at."""
        source = find_source(path, _KIND, card)
        kind = sniff(source.weights)
        if kind is FileKind.PT2:
            raise CardError(
                f"{source.weights}: is {kind}, which is not read (CVE-2026-4538); export it to ONNX instead."
            )
        if kind is not FileKind.TORCHSCRIPT:
            raise CardError(f"{source.weights}: is {kind}, not a TorchScript program.")
        chosen = choose_card(source, _KIND, self.name, card)
        return package_of(source, chosen, read_trust(source.weights))

    def load(self, package: ModelPackage, settings: LoadSettings = _DEFAULT_SETTINGS) -> Predictor:
        """Load the program and its weights."""
        weights = package.files[0]
        package = check_digest(package, weights)
        looked_at = "" if package.trust is None else package.trust.sha256
        return ready(package, load_program(weights, package.card, looked_at), settings)


def read_trust(path: Path) -> Trust:
    """List what a program consists of: what reaches out of it first, then its methods, then its operations.

    Raises
    ------
    CardError
        If the archive is damaged, or unpacks to far more than it is.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            code = _read_code(archive, path)
            has_numbers = any(re.search(r"/(?:data|constants)/\d+$", name) for name in archive.namelist())
        digest, size = file_sha256(path), path.stat().st_size
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise CardError(f"{path}: is cut short or damaged ({' '.join(str(error).split())[:160]}).") from error
    if not has_numbers:
        raise CardError(f"{path}: holds no weights, so that there is nothing it could have learned.")
    called = sorted({name for text in code.values() for name in _OPERATION.findall(text)})
    reaching = [name for name in called if name in _REACHING]
    methods = [f"{name}: {', '.join(_METHOD.findall(text))}" for name, text in code.items()]
    lines = (
        f"{path.name}: a program of {len(code)} files with its weights, {size / 1e6:.1f} MB",
        *(f"reaches outside of the computation: {name}" for name in reaching),
        *methods,
        f"operations: {', '.join(called)}",
    )
    return Trust(digest, lines)


def _read_code(archive: zipfile.ZipFile, path: Path) -> dict[str, str]:
    members = archive.infolist()
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise CardError(f"{path}: is damaged; its archive names a file twice.")
    code = [member for member in members if "/code/" in member.filename and member.filename.endswith(".py")]
    is_bomb = sum(member.file_size for member in members) > _MOST_UNPACKED_TIMES * path.stat().st_size
    if is_bomb or sum(member.file_size for member in code) > _MOST_CODE_BYTES:
        raise CardError(f"{path}: unpacks to more than any network does.")
    return {member.filename.partition("/code/")[2]: archive.read(member).decode("utf-8", "replace") for member in code}


def load_program(path: Path, card: ModelCard, sha256: str) -> nn.Module:
    """Load a program and its weights as a network in this program's order of axes.

    Parameters
    ----------
    sha256 : str
        Of the content that a person was asked about; what is loaded are the very bytes that have it.

    Raises
    ------
    CardError
        If it is damaged, or other content than a person was asked about.
    """
    return _arrange(_load(path, sha256), card)


def _load(path: Path, sha256: str) -> nn.Module:
    import torch

    content = _read_once(path, sha256)
    try:
        network: nn.Module = torch.jit.load(content, map_location="cpu")  # type: ignore[no-untyped-call]  # torch 2.13
        state = network.float().state_dict()
    except Exception as error:  # a damaged program fails in any way
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise CardError(f"{path}: is cut short or damaged, or made for another PyTorch ({reason[:160]}).") from error
    for name, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise CardError(f"{path}: {name!r} holds numbers that are not finite; the weights are damaged.")
    return network


def _read_once(path: Path, sha256: str) -> io.BytesIO:
    """Read a file so that it cannot be exchanged between the look at it and its loading."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CardError(f"{path}: cannot be read ({error.strerror or error}).") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise CardError(f"{path}: would run code that nobody was asked about; the file changed. Open it again.")
    return io.BytesIO(content)


def _arrange(network: nn.Module, card: ModelCard) -> nn.Module:
    """Wrap a program that takes its axes in another order, several inputs, or names its answer."""
    from torch import nn

    from napari_medclf.engine.arrangement import Arrangement

    arrangement = Arrangement.of(card)

    class _Program(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.program = network

        def forward(self, x: Tensor) -> Tensor:
            """Answer (N, C, *spatial)."""
            answer = self.program(*arrangement.split(x))
            if isinstance(answer, dict):
                answer = answer.get("out", next(iter(answer.values())))
            first = answer[0] if isinstance(answer, (tuple, list)) else answer
            return arrangement.back(first)

    return _Program()
