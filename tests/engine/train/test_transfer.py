from __future__ import annotations

import torch
from torch import nn

from napari_medclf.engine.train.transfer import freeze, still_frozen_parts, take_over, unfreeze


def network(n_classes: int = 2) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, n_classes))


def test_what_fits_is_taken_over_and_the_rest_is_named():
    ours, theirs = network(2), network(5)
    weights = theirs.state_dict() | {"extra.weight": torch.zeros(1)}
    del weights["0.bias"]
    report = take_over(ours, weights)
    assert torch.equal(ours[0].weight, theirs[0].weight)
    assert report.reshaped == ("3.weight", "3.bias")
    assert report.fresh == ("0.bias",)
    assert report.unused == ("extra.weight",)
    assert "6 of 9 weights were taken over" in report.sentence
    assert "2 have another shape and start at random, such as 3.weight" in report.sentence
    assert not report.is_whole


def test_same_network_fits_as_a_whole():
    assert take_over(network(), network().state_dict()).is_whole


def test_names_are_found_without_what_programs_put_before_them():
    theirs = network()
    for prefix in ("module.", "encoder."):
        ours = network()
        assert take_over(ours, {prefix + name: value for name, value in theirs.state_dict().items()}).is_whole
        assert torch.equal(ours[3].weight, theirs[3].weight)


def test_encoder_is_found_inside_a_larger_network():
    larger = nn.ModuleDict({"encoder": network(), "head": nn.Linear(2, 2)})
    report = take_over(larger, network().state_dict())
    assert set(report.fresh) == {"head.weight", "head.bias"}


def test_only_what_starts_at_random_learns_while_frozen():
    ours = network(2)
    freeze(ours, take_over(ours, network(5).state_dict()))
    assert [name for name, one in ours.named_parameters() if one.requires_grad] == ["3.weight", "3.bias"]
    unfreeze(ours)
    assert all(one.requires_grad for one in ours.parameters())


def test_head_learns_where_everything_was_taken_over():
    ours = network()
    freeze(ours, take_over(ours, network().state_dict()))
    assert [name for name, one in ours.named_parameters() if one.requires_grad] == ["3.weight", "3.bias"]


def test_frozen_norms_keep_their_statistics():
    ours = network().train()
    freeze(ours, take_over(ours, network().state_dict()))
    still_frozen_parts(ours)
    ours[1](ours[0](torch.randn(2, 1, 5, 5)))
    assert ours[1].num_batches_tracked == 0
    assert ours[3].training
