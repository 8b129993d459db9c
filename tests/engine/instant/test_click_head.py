"""A network that takes clicks hears them where they were made, whatever its grid, and only there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_models import SCHEMA, Steps, card, model, run
from torch import nn

from napari_medclf.domain.errors import CardError, SchemaError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine.instant.click_head import ClickHead
from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.open_head import open_head
from napari_medclf.engine.instant.prompts import Click, Scribble, answer_prompt
from napari_medclf.engine.instant.settings import InstantSettings
from napari_medclf.testing.phantoms import oblique_phantom


class Obeys(nn.Module):
    """Answers as `Steps`, and says what was clicked where that was done."""

    def __init__(self, spatial_dims: int = 3) -> None:
        super().__init__()
        self.steps = Steps(spatial_dims)

    def forward(self, x):
        answer = self.steps(x[:, :1])
        return answer if x.shape[1] == 1 else answer + 50 * x[:, 1:] * (x[:, 1:] > 0.5)


def _spec(spatial_dims=3, **changes):
    return InputSpec(
        spatial_dims=spatial_dims,
        channels=("gray",),
        intensity=Intensity(kind="window", low=-1000, high=2000),
        patch_vox=(8, 16, 16)[3 - spatial_dims :],
        clicks=(0, *(one.value for one in SCHEMA.foreground)),
        click_sigma_vox=1.0,
        **changes,
    )


def _head(spec, **settings):
    image = oblique_phantom()
    loaded = model(Obeys(spec.spatial_dims), card(spec.spatial_dims, input=spec))
    return loaded, image, run(open_head(loaded, image, None, InstantSettings(**settings)))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"spacing_mm": (1.5, 1.5, 2.0), "axis_codes": "LPS"},
        {"crop": "nonzero", "axis_codes": "RAS"},
        {"spatial_dims": 2},
    ],
    ids=["same-grid", "finer-turned", "cropped-turned", "slices"],
)
def test_a_click_is_heard_where_it_was_made(changes):
    loaded, image, head = _head(_spec(**changes))
    own = run(loaded.predict(image)).segmentation.labels
    assert isinstance(head, ClickHead)
    np.testing.assert_array_equal(head.labels(), own)

    for place in ((3, 6, 9), (8, 14, 20)):
        value = 2 if own[place] != 2 else 1
        answer = answer_prompt(head, Click(place, value))
        labels = head.labels()
        assert labels[place] == value
        assert answer.labels[tuple(at - a for at, (a, _) in zip(place, answer.box, strict=True))] == value
        changed = np.argwhere(labels != own)
        far = np.abs((changed - place) * np.array(image.geometry.spacing)).max()
        assert far <= 3 * max(image.geometry.spacing)
        assert head.chance_at(np.array([place]), value)[0] > 0.9
    head.refit(Corrections.none())
    np.testing.assert_array_equal(head.labels(), own)


def test_a_stroke_is_one_click_in_its_middle():
    _, _, head = _head(_spec())
    line = answer_prompt(head, Scribble([(4, 5, 4), (4, 5, 14)], 2))
    assert line.refit.n_corrections == 1
    both = answer_prompt(head, Click((8, 14, 20), 1), line.corrections)
    assert both.refit.n_corrections == 2


def test_a_region_hears_what_was_said_inside_of_it():
    image = oblique_phantom()
    loaded = model(Obeys(), card(input=_spec()))
    region = ((2, 9), (3, 15), (4, 20))
    head = run(ClickHead.begin(loaded, image, region))
    answer_prompt(head, Click((5, 8, 10), 2))
    assert head.labels().shape == (7, 12, 16)
    assert head.labels()[3, 5, 6] == 2
    outside = Corrections(np.array([[0, 0, 0]]), np.array([2]))
    assert head.refit(outside).n_corrections == 0


def test_what_is_no_class_or_no_click_network_is_refused():
    _, image, head = _head(_spec())
    with pytest.raises(SchemaError, match=r"takes clicks of \[0, 1, 2\], and not of 7"):
        head.refit(Corrections(np.array([[5, 8, 10]]), np.array([7])))
    with pytest.raises(CardError, match="takes no clicks"):
        run(ClickHead.begin(model(), image))


def test_click_channels_are_zero_when_nobody_clicked():
    from napari_medclf.engine.nets.click_unet import ClickUNet

    torch.manual_seed(0)
    network = ClickUNet(2, 1, 3, features=[4, 4, 4, 4, 4, 4]).eval()
    images = torch.rand(2, 1, 32, 48)
    with torch.no_grad():
        alone = network(images)
        silent = network(torch.cat([images, torch.zeros(2, 3, 32, 48)], dim=1))
        clicked = network(torch.cat([images, torch.ones(2, 3, 32, 48)], dim=1))
    assert torch.equal(alone, silent)
    assert not torch.allclose(alone, clicked)
