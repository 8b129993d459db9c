from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.engine.prepare import prepare
from napari_medclf.engine.preprocess.run import preprocess, with_stored_dtype
from napari_medclf.testing.phantoms import MARKED_VOXEL, oblique_phantom


def steps(*texts: str) -> list[PreprocessStep]:
    return [PreprocessStep.parse(text) for text in texts]


def run(image: MedImage, *texts: str, **settings) -> MedImage:
    job = preprocess(image, steps(*texts), **settings)
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def marked() -> MedImage:
    image = oblique_phantom()
    data = np.zeros(image.data.shape, np.int16)
    data[MARKED_VOXEL] = 1000
    return replace(image, data=data, scale=Scale.RAW)


@pytest.mark.parametrize(
    "texts",
    [
        ("median",),
        ("crop-foreground:margin_vox=2",),
        ("resample:spacing_mm=0.8x0.6x0.4",),
        ("resize:size_vox=24x33x40",),
        ("pad:multiple_vox=16",),
        ("crop-foreground:margin_vox=3", "resample:spacing_mm=0.7", "pad:multiple_vox=8", "resize:size_vox=40"),
    ],
)
def test_voxels_lie_where_they_lay(texts):
    image = marked()
    if texts == ("median",):
        data = np.array(image.data)
        data[tuple(slice(n - 1, n + 2) for n in MARKED_VOXEL)] = 1000
        image = replace(image, data=data)
    done = run(image, *texts)
    weight = np.asarray(done.data)
    where = np.stack(np.meshgrid(*map(np.arange, weight.shape), indexing="ij"), -1)
    centre = (where * weight[..., None]).sum((0, 1, 2)) / weight.sum()
    place = image.geometry.to_world(np.array(MARKED_VOXEL))
    assert np.linalg.norm(done.geometry.to_world(centre) - place) < 0.5


def test_step_alone_is_the_one_a_model_makes():
    image = oblique_phantom()
    spec = InputSpec(
        spatial_dims=3, channels=("gray",), intensity=Intensity(kind="none"), patch_vox=(8, 8, 8),
        steps=("gaussian:sd_vox=1.5", "crop-foreground"),
    )  # fmt: skip
    np.testing.assert_array_equal(
        run(image, "gaussian:sd_vox=1.5", "crop-foreground").data, prepare(image, spec).data[0]
    )


def test_pad_reaches_a_multiple_with_the_lowest_value_and_leaves_pictures_flat():
    padded = run(replace(marked(), data=marked().data - 7), "pad:multiple_vox=16")
    assert all(n % 16 == 0 for n in padded.data.shape)
    assert padded.data[0, 0, 0] == -7
    picture = MedImage(np.zeros((3, 1, 9, 12), np.uint8), Geometry.flat(9, 12), "p", channel_kind=ChannelKind.COLOUR)
    assert run(picture, "pad:multiple_vox=8").data.shape == (3, 1, 16, 16)


def test_whole_numbers_stay_such_unless_the_unit_changes():
    image = marked()
    for texts, dtype in ((("gaussian",), np.int16), (("gaussian", "percentile"), np.float32)):
        done = with_stored_dtype(run(image, *texts), image, steps(*texts))
        assert done.data.dtype == dtype


def test_contrast_takes_the_hounsfield_unit_away_and_denoising_does_not():
    image = replace(oblique_phantom(), scale=Scale.HU)
    assert run(image, "median").scale is Scale.HU
    assert run(image, "clahe").scale is Scale.RAW


def test_slices_apart_differ_from_the_volume():
    image = oblique_phantom()
    assert not np.allclose(
        run(image, "gaussian:sd_vox=3").data, run(image, "gaussian:sd_vox=3", is_slicewise=True).data
    )


def test_picture_without_millimetres_is_not_resampled_to_some():
    picture = MedImage(np.zeros((1, 9, 12), np.uint8), Geometry.flat(9, 12), "p")
    with pytest.raises(OptionError, match="Use resize"):
        run(picture, "resample:spacing_mm=1")
    assert run(picture, "resize:size_vox=5x6").data.shape == (1, 5, 6)


def test_stop_is_possible_before_and_between_steps():
    job = preprocess(oblique_phantom(), steps("median", "gaussian"))
    next(job)
    job.close()
