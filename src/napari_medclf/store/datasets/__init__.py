"""Datasets in every layout people keep them in, as one `Dataset`."""

from napari_medclf.store.datasets.opening import open_dataset
from napari_medclf.store.datasets.options import Hints
from napari_medclf.store.datasets.split import split_by_group, split_dataset
from napari_medclf.store.datasets.split_files import apply_splits, read_split_file, write_split_file

__all__ = [
    "Hints",
    "apply_splits",
    "open_dataset",
    "read_split_file",
    "split_by_group",
    "split_dataset",
    "write_split_file",
]
