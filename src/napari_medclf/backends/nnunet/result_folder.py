"""Where nnU-Net leaves what it trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.errors import CardError
from napari_medclf.store.sidecar import inner_path

CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth", "checkpoint_latest.pth")
"""What nnU-Net writes for each fold, the one to use first."""
_MOST_MODELS_SHOWN = 6
_MARK = "__"


@dataclass(frozen=True)
class ResultFolder:
    """A folder such as ``Dataset004_Hippocampus/nnUNetTrainer__nnUNetPlans__3d_fullres``.

    Parameters
    ----------
    path : Path
        Holds ``dataset.json``, ``plans.json`` and a folder for each fold.
    checkpoint : str
        Of `CHECKPOINTS`.
    folds : tuple of str
        Names of the folders that have it: ``fold_0`` ..., or ``fold_all`` where that is the only one.
    """

    path: Path
    checkpoint: str
    folds: tuple[str, ...]

    @property
    def weights(self) -> tuple[Path, ...]:
        """The file of each fold."""
        return tuple(self.path / fold / self.checkpoint for fold in self.folds)

    @property
    def configuration(self) -> str:
        """What the folder's name says, such as ``3d_fullres``; empty where it says nothing."""
        parts = self.path.name.split(_MARK)
        return parts[2] if len(parts) == 3 else ""


def is_result(path: Path) -> bool:
    """Whether a folder, or one just below it, is what nnU-Net leaves; never raises."""
    try:
        return bool(_list_results(path))
    except OSError:
        return False


def find_result(path: Path, checkpoint: str = "", folds: tuple[str, ...] = ()) -> ResultFolder:
    """Find the one result in a folder, or just below it.

    Parameters
    ----------
    checkpoint, folds :
        What is wanted; empty for the best there is.

    Raises
    ------
    CardError
        If there are several, what is wanted is not there, or a link leads out of the folder.
    """
    found = _list_results(path)
    if len(found) > 1:
        names = ", ".join(one.name for one in found[:_MOST_MODELS_SHOWN])
        raise CardError(f"{path}: holds {len(found)} models of nnU-Net ({names}). Open the folder of one of them.")
    if not found:
        raise CardError(
            f"{path}: is no result of nnU-Net v2; expected dataset.json, plans.json and fold_0/{CHECKPOINTS[0]}."
        )
    return _choose(found[0], checkpoint, folds)


def _list_results(path: Path) -> list[Path]:
    if _has_result(path):
        return [path]
    if not path.is_dir():
        return []
    # A folder may hold thousands of files: only names such as nnU-Net gives are looked into.
    return sorted(one for one in path.iterdir() if _MARK in one.name and _has_result(one))


def _has_result(path: Path) -> bool:
    is_described = (path / "plans.json").is_file() and (path / "dataset.json").is_file()
    return is_described and any(_list_folds(path, checkpoint) for checkpoint in CHECKPOINTS)


def _list_folds(path: Path, checkpoint: str) -> tuple[str, ...]:
    folds = sorted(one.parent.name for one in path.glob(f"fold_*/{checkpoint}") if one.is_file())
    numbered = tuple(fold for fold in folds if fold != "fold_all")
    return numbered or tuple(folds)  # as nnU-Net does: all folds together only where there are no others


def _choose(path: Path, checkpoint: str, folds: tuple[str, ...]) -> ResultFolder:
    name = checkpoint or next(one for one in CHECKPOINTS if _list_folds(path, one))
    if name not in CHECKPOINTS:
        raise CardError(f"{path}: {name!r} is no checkpoint of nnU-Net; those are {', '.join(CHECKPOINTS)}.")
    there = _list_folds(path, name)
    missing = [fold for fold in folds if not _is_fold(fold) or not (path / fold / name).is_file()]
    if missing or not there:
        raise CardError(f"{path}: {name} is missing in {', '.join(missing) or 'every fold'}.")
    result = ResultFolder(path, name, folds or there)
    for file in ("plans.json", "dataset.json", *(f"{fold}/{name}" for fold in result.folds)):
        inner_path(path, file)
    return result


def _is_fold(name: str) -> bool:
    return name.startswith("fold_") and name.removeprefix("fold_").isalnum()
