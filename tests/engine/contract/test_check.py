"""Every clause of a card is checked against an image in one sentence, and what can be mended is mended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.violation import Fix, Violation
from napari_medclf.engine.contract.check import check_contract
from napari_medclf.engine.contract.fixes import apply_fix
from napari_medclf.testing.phantoms import chest_phantom, oblique_phantom


def _card(spatial_dims: int = 3, **spec: Any) -> ModelCard:
    given: dict[str, Any] = {
        "spatial_dims": spatial_dims,
        "channels": ("gray",),
        "intensity": Intensity(kind="window", low=-1000, high=2000),
        "patch_vox": (16,) * spatial_dims,
    }
    return ModelCard(
        name="model",
        version="1",
        task=Task.SEGMENT,
        title="A model",
        description="For tests.",
        licence="CC0-1.0",
        input=InputSpec(**(given | spec)),
        output=OutputSpec(schema=LabelSchema.from_names(["bone"], first_value=1)),
        network=NetworkSpec(target="none"),
    )


def _xray_card() -> ModelCard:
    return _card(2, modality=("CR", "DX"), intensity=Intensity(kind="zscore"))


def _only(image: MedImage, card: ModelCard) -> Violation:
    (found,) = check_contract(image, card)
    return found


def _pixels(image: MedImage) -> MedImage:
    return replace(image, geometry=Geometry.from_spacing(image.geometry.shape, unit=Unit.PIXEL))


def test_fitting_image_breaks_nothing() -> None:
    card = _card(modality=("CT",), spacing_mm=(3.0, 1.0, 1.0), axis_codes="SPL")
    assert check_contract(oblique_phantom(), card) == ()


def test_other_modality_is_said_and_can_be_believed_otherwise() -> None:
    image, card = replace(oblique_phantom(), modality="MR"), _card(modality=("CT", "PT"))
    found = _only(image, card)
    assert (found.clause, found.fix) == ("modality", Fix.SET_MODALITY)
    assert found.sentence == "The image is MR, but model was made for CT or PT."
    fixed = apply_fix(image, card, found)
    assert fixed.modality == "CT"
    assert fixed.geometry is image.geometry
    assert fixed.source is image.source
    assert check_contract(fixed, card) == ()


def test_ct_in_a_file_that_does_not_say_so_is_noticed_by_a_model_for_mr() -> None:
    image, card = replace(oblique_phantom(), modality="", scale=Scale.RAW), _card(modality=("MR",))
    found = _only(image, card)
    assert (found.clause, found.fix) == ("modality", Fix.SET_MODALITY)
    assert "Hounsfield units of a CT, but model was made for MR" in found.sentence
    assert check_contract(apply_fix(image, card, found), card) == ()
    assert check_contract(image, _card(modality=("MR", "CT"))) == ()
    assert check_contract(replace(image, data=np.abs(image.data)), card) == ()


def test_picture_for_a_model_of_volumes_has_no_fix() -> None:
    found = _only(chest_phantom(), _card(intensity=Intensity(kind="zscore")))
    assert (found.clause, found.fix) == ("dimensions", None)
    with pytest.raises(CardError, match="Nothing can be changed about this: The image has one slice"):
        apply_fix(chest_phantom(), _card(), found)


def test_coarse_spacing_is_said() -> None:
    found = _only(oblique_phantom(), _card(spacing_mm=(1.0, 0.2, 0.2)))
    assert (found.clause, found.fix) == ("spacing", None)
    assert "3.5 x 0.75 x 0.5 mm, much coarser than the 1 x 0.2 x 0.2 mm" in found.sentence


@pytest.mark.parametrize("axis_codes", ["SPL", "LAI", None])
def test_scale_can_be_given_to_a_stack_and_then_fits(axis_codes: str | None) -> None:
    image, card = _pixels(oblique_phantom()), _card(spacing_mm=(3.0, 0.7, 0.5), axis_codes=axis_codes)
    found = check_contract(image, card)
    assert [one.clause for one in found] == ["spacing", *(["orientation"] if axis_codes else [])]
    fixed = apply_fix(image, card, found[0])
    assert fixed.geometry.unit is Unit.MILLIMETRE
    np.testing.assert_allclose(fixed.geometry.spacing, (3.0, 0.7, 0.5))
    assert fixed.geometry.axis_codes == (axis_codes or "SPL")
    assert check_contract(fixed, card) == ()


def test_network_sees_the_same_array_before_and_after_the_scale_was_given() -> None:
    from napari_medclf.engine.prepare import prepare

    image, card = _pixels(oblique_phantom()), _card(spacing_mm=(3.0, 0.7, 0.5), axis_codes="LAI")
    fixed = apply_fix(image, card, check_contract(image, card)[0])
    np.testing.assert_allclose(prepare(fixed, card.input).data, prepare(image, card.input).data, atol=1e-6)


def test_colour_for_a_gray_model_is_made_gray() -> None:
    colours = np.stack([np.full((1, 9, 7), value, np.uint8) for value in (200, 100, 50)])
    image = MedImage(colours, Geometry.flat(9, 7), "photo", channel_kind=ChannelKind.COLOUR)
    card = _card(2, intensity=Intensity(kind="range"))
    found = _only(image, card)
    assert (found.clause, found.fix) == ("channels", Fix.TO_GRAY)
    fixed = apply_fix(image, card, found)
    assert fixed.channel_kind is ChannelKind.NONE
    assert fixed.data.dtype == np.uint8
    assert set(np.unique(fixed.data)) == {round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)}
    assert check_contract(fixed, card) == ()


def test_series_of_times_offers_its_first() -> None:
    data = np.stack([np.full((3, 5, 6), value, np.int16) for value in (7, 8)])
    image = MedImage(
        data, Geometry.from_spacing((3, 5, 6)), "perfusion", channel_kind=ChannelKind.TIME, channel_values=(0.0, 2.0)
    )
    found = _only(image, _card())
    assert found.sentence == "The image has 2 time points, and model takes one."
    fixed = apply_fix(image, _card(), found)
    assert set(np.unique(fixed.data)) == {7}
    assert check_contract(fixed, _card()) == ()


def test_film_in_colour_keeps_its_colours() -> None:
    film = MedImage(
        np.zeros((4, 3, 1, 5, 6), np.uint8), Geometry.flat(5, 6), "film", channel_kind=ChannelKind.COLOUR_TIME
    )
    card = _card(2, channels=("red", "green", "blue"), intensity=Intensity(kind="range"))
    fixed = apply_fix(film, card, _only(film, card))
    assert fixed.channel_kind is ChannelKind.COLOUR
    assert fixed.data.shape == (3, 1, 5, 6)


def test_channels_of_another_name_are_said() -> None:
    data = np.zeros((2, 3, 5, 6), np.int16)
    image = MedImage(
        data, Geometry.from_spacing((3, 5, 6)), "two", channel_kind=ChannelKind.CHANNEL, channel_names=("T2", "FLAIR")
    )
    found = _only(image, _card(channels=("T1", "T2")))
    assert found.sentence == "The channels T2, FLAIR were taken in this order for T1, T2."
    assert check_contract(image, _card(channels=("FLAIR", "T2"))) == ()


def test_too_many_channels_are_said_as_they_are_refused() -> None:
    data = np.zeros((2, 3, 5, 6), np.int16)
    image = MedImage(data, Geometry.from_spacing((3, 5, 6)), "two", channel_kind=ChannelKind.CHANNEL)
    assert "2 channels, but the model takes 3 channels" in _only(image, _card(channels=("a", "b", "c"))).sentence


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32])
def test_shifted_hounsfield_units_are_noticed_and_shifted_back(dtype: type) -> None:
    original = replace(oblique_phantom(), window=(-160.0, 240.0))
    shifted = replace(
        original, data=(original.data.astype(np.int32) + 1024).astype(dtype), scale=Scale.RAW, window=(864.0, 1264.0)
    )
    card = _card(modality=("CT",))
    found = _only(shifted, card)
    assert (found.clause, found.fix) == ("window", Fix.TO_HOUNSFIELD)
    fixed = apply_fix(shifted, card, found)
    np.testing.assert_array_equal(fixed.data, original.data)
    assert (fixed.scale, fixed.window) == (Scale.HU, original.window)
    assert check_contract(fixed, card) == ()


def test_screenshot_of_a_ct_is_noticed() -> None:
    seen = np.clip((oblique_phantom().data.astype(float) + 160) / 400, 0, 1) * 255
    found = _only(replace(oblique_phantom(), data=seen.astype(np.uint8), scale=Scale.RAW), _card(modality=("CT",)))
    assert found.fix is None
    assert "as in a picture made for the screen, but model needs Hounsfield units" in found.sentence


def test_samples_are_not_judged_for_models_without_a_window_in_hounsfield() -> None:
    shifted = replace(oblique_phantom(), data=oblique_phantom().data + 1024)
    assert check_contract(shifted, _card(modality=("CT",), intensity=Intensity(kind="zscore"))) == ()
    assert check_contract(replace(shifted, modality=""), _card()) == ()


def test_inverted_xray_is_noticed_and_turned_round() -> None:
    upright = chest_phantom()
    inverted = replace(upright, data=255 - upright.data)
    assert not [one for one in check_contract(upright, _xray_card()) if one.clause == "photometric"]
    (found,) = [one for one in check_contract(inverted, _xray_card()) if one.clause == "photometric"]
    fixed = apply_fix(inverted, _xray_card(), found)
    np.testing.assert_array_equal(fixed.data, upright.data)
    assert fixed.data.dtype == upright.data.dtype
    assert fixed.geometry is inverted.geometry


def test_window_is_inverted_with_the_samples() -> None:
    image = MedImage(np.arange(64, dtype=np.int16).reshape(1, 8, 8), Geometry.flat(8, 8), "ramp", window=(0.0, 20.0))
    fixed = apply_fix(image, _xray_card(), Violation("photometric", "", Fix.INVERT))
    assert fixed.data[0, 0, 0] == 63
    assert fixed.window == (43.0, 63.0)


def test_image_read_on_demand_is_not_read_to_be_judged() -> None:
    import dask.array as da

    def fail(block: np.ndarray) -> np.ndarray:
        raise AssertionError("samples were read")

    lazy = da.zeros((12, 20, 28), dtype=np.int16).map_blocks(fail, dtype=np.int16, meta=np.zeros((0,), np.int16))
    assert check_contract(replace(oblique_phantom(), data=lazy), _card(modality=("CT",))) == ()


def test_real_chest_xrays_are_not_called_inverted_and_their_inverses_are(shared_data: Path) -> None:
    """All of PneumoniaMNIST's 5,856 (counted when the rule was made); here the 624 of its test split."""
    pictures = np.load(shared_data / "medmnist" / "pneumoniamnist.npz")["test_images"]
    images = [MedImage(one[None], Geometry.flat(28, 28), "chest", scale=Scale.DISPLAY) for one in pictures]
    card = _xray_card()
    assert [image for image in images if check_contract(image, card)] == []
    n_found = sum(bool(check_contract(replace(one, data=255 - one.data), card)) for one in images)
    assert n_found >= 0.97 * len(images)


def test_real_ct_is_judged_right(shared_data: Path) -> None:
    from napari_medclf.io.read import read_image

    card = _card(modality=("CT",))
    for path in ("spleen_ct/sub-spleen2/ct/sub-spleen2_ct.nii.gz", "ct_mr_totalsegmentator/example_ct_sm.nii.gz"):
        image = read_image(shared_data / path)
        data = np.asarray(image.data)
        assert check_contract(image, card) == ()
        assert _only(replace(image, data=data + 1024), card).fix is Fix.TO_HOUNSFIELD


def test_real_volumes_without_a_modality_are_told_apart(shared_data: Path) -> None:
    from napari_medclf.io.read import read

    card = _card(modality=("MR",))
    totalsegmentator = shared_data / "ct_mr_totalsegmentator"
    (ct,) = read([totalsegmentator / "example_ct_sm.nii.gz"]).images
    assert _only(ct, card).clause == "modality"
    brains = [totalsegmentator / "example_mr_sm.nii.gz", shared_data / "nrrd_pyradiomics" / "brain1_image.nrrd"]
    brains += sorted((shared_data / "hippocampus_msd" / "images").glob("*.nii.gz"))[:10]
    for path in brains:
        (mr,) = read([path]).images
        assert check_contract(mr, card) == (), path.name
