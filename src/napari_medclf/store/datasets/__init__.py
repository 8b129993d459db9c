"""Datasets in every layout people keep them in, as one `Dataset`."""

from napari_medclf.store.datasets.exclusions import EXCLUDE_FILE, exclude_cases, read_exclusions, write_exclusions
from napari_medclf.store.datasets.folds import join_groups, k_fold, repeated_hold_out
from napari_medclf.store.datasets.opening import open_dataset
from napari_medclf.store.datasets.options import Hints
from napari_medclf.store.datasets.split import split_by_group, split_dataset
from napari_medclf.store.datasets.split_files import apply_splits, read_split_file, splits_sha256, write_split_file

__all__ = [
    "EXCLUDE_FILE",
    "Hints",
    "apply_splits",
    "exclude_cases",
    "join_groups",
    "k_fold",
    "open_dataset",
    "read_exclusions",
    "read_split_file",
    "repeated_hold_out",
    "split_by_group",
    "split_dataset",
    "splits_sha256",
    "write_exclusions",
    "write_split_file",
]
