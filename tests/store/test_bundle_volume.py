"""A bundle in MONAI's hands labels a volume as this program does, on the volume's own grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_medclf.domain.card import ModelCard, NetworkSpec
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.run import RunSpec
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.engine.model import load_model
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image
from napari_medclf.jobs.drive import drive
from napari_medclf.store.bundle import write_package
from napari_medclf.testing.phantoms import oblique_phantom


def test_monai_and_this_program_label_a_volume_alike(tmp_path: Path, card: ModelCard, run_spec: RunSpec) -> None:
    import torch
    from monai.bundle import run
    from monai.networks.nets import BasicUNet
    from safetensors.torch import save

    torch.manual_seed(5)
    arguments = {"spatial_dims": 3, "in_channels": 1, "out_channels": 3, "features": [4, 4, 8, 8, 8, 4]}
    input_spec = InputSpec(
        spatial_dims=3,
        channels=("CT",),
        intensity=Intensity(kind="zscore"),
        axis_codes="LAS",
        patch_vox=(32, 32, 32),
        divisible_by=16,
    )
    card = card.model_copy(
        update={
            "input": input_spec,
            "network": NetworkSpec(target="monai.networks.nets.BasicUNet", arguments=arguments),
        }
    )
    package = write_package(tmp_path / "model", card, save(BasicUNet(**arguments).state_dict()), run_spec, "MIT")
    volume = tmp_path / "images" / "oblique.nii.gz"
    volume.parent.mkdir()
    write_image(oblique_phantom(), volume)

    outcome = drive(load_model(package, LoadSettings("cpu")).predict(read_image(volume)))
    run(
        config_file=str(package.folder / "configs" / "inference.json"),
        meta_file=str(package.folder / "configs" / "metadata.json"),
        bundle_root=str(package.folder),
        dataset_dir=str(volume.parent),
        output_dir=str(tmp_path / "eval"),
    )
    (written,) = (tmp_path / "eval").rglob("*.nii.gz")
    theirs = read_label_map(written)
    assert outcome.result is not None
    assert outcome.result.segmentation is not None
    ours = outcome.result.segmentation
    assert ours.geometry.same_grid(theirs.geometry)
    assert len(np.unique(ours.labels)) > 1
    assert np.mean(ours.labels == theirs.labels) > 0.99
