from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.preprocess import PreprocessOptions, preprocess_file
from napari_medclf.testing.phantoms import oblique_phantom


@pytest.fixture
def volume(tmp_path):
    write_image(oblique_phantom(), tmp_path / "volume.nii.gz")
    return tmp_path / "volume.nii.gz"


def run(*arguments, **settings):
    outcome = drive(preprocess_file(PreprocessOptions(*arguments, **settings)))
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def test_written_image_lies_where_it_lay_and_says_what_was_done(volume, tmp_path):
    done = run(volume, tmp_path / "out.nii.gz", step=("gaussian", "crop-foreground:margin_vox=1"))
    assert done.steps == ("gaussian:sd_vox=1", "crop-foreground:margin_vox=1")
    written, before = read_image(tmp_path / "out.nii.gz"), read_image(volume)
    assert written.data.shape == done.shape
    assert written.data.dtype == before.data.dtype
    first = before.geometry.to_index(written.geometry.to_world(np.zeros(3)))
    np.testing.assert_allclose(first, np.rint(first), atol=1e-2)
    assert (np.rint(first) >= 0).all()


def test_what_cannot_be_done_is_refused_before_anything_is_written(volume, tmp_path):
    out = tmp_path / "out.nii.gz"
    with pytest.raises(OptionError, match="at least one --step"):
        run(volume, out)
    with pytest.raises(OptionError, match="Did you mean 'median'"):
        run(volume, out, step=("medain",))
    with pytest.raises(OptionError, match="is there already"):
        run(volume, volume, step=("median",))
    assert not out.exists()


def test_steps_are_those_that_prepare_makes_for_a_model(volume, tmp_path):
    from napari_medclf.domain.input_spec import InputSpec, Intensity
    from napari_medclf.engine.prepare import prepare

    run(volume, tmp_path / "out.nii.gz", step=("median", "percentile"))
    spec = InputSpec(
        spatial_dims=3, channels=("gray",), intensity=Intensity(kind="none"), patch_vox=(8, 8, 8),
        steps=("median", "percentile"),
    )  # fmt: skip
    np.testing.assert_array_equal(read_image(tmp_path / "out.nii.gz").data, prepare(read_image(volume), spec).data[0])
