"""Area under the ROC curve of the embedded vessel model, over the pixels of its test photographs.

python benchmarks/vessel_auc.py ../shared/data/retina_chase_db1

Pixels count where a colour is brighter than 30 of 255 (the retina), and once more all of them. No times, no peers.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from napari_medclf.domain.dataset import Split
from napari_medclf.engine.model import load_model
from napari_medclf.engine.prepare import prepare
from napari_medclf.engine.sliding.slide import slide_whole
from napari_medclf.engine.sliding.window import Window
from napari_medclf.jobs.api import run
from napari_medclf.jobs.case_reader import CaseReader
from napari_medclf.jobs.data import DataChoice, open_data, split_as_model
from napari_medclf.jobs.models import find_model

DARKEST = 30


def main() -> None:
    """Print both areas."""
    package = find_model("retina-vessels")
    card, network = package.card, load_model(package).network
    dataset = split_as_model(open_data(DataChoice(Path(sys.argv[1]))), package)
    reader = CaseReader(dataset)
    window = Window(card.input.patch_vox, divisible_by=card.input.divisible_by, mirror_axes=card.output.mirror_axes)
    scores, truths, inside = [], [], []
    for case in dataset.in_split(Split.TEST):
        image = reader.image(case)
        prepared = prepare(image, card.input).data
        logits = run(slide_whole(prepared, network, window, torch.device("cpu")))
        scores.append((logits[1] - logits[0]).ravel())
        truths.append((reader.reference(case, image).labels > 0).ravel())
        inside.append((np.asarray(image.data).max(axis=0) > DARKEST).ravel())
    score, truth, is_inside = (np.concatenate(parts) for parts in (scores, truths, inside))
    print(f"inside the retina {roc_auc_score(truth[is_inside], score[is_inside]):.4f}")
    print(f"all pixels        {roc_auc_score(truth, score):.4f}")


if __name__ == "__main__":
    main()
