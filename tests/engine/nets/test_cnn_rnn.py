from __future__ import annotations

import pytest
import torch

from napari_medclf.engine.nets.cnn_rnn import CNNRNN

_SMALL = {"channels": (4, 4, 6, 8), "hidden": 5}


@pytest.mark.parametrize("memory", ["gru", "lstm"])
def test_any_number_of_slices_is_read(memory):
    network = CNNRNN(2, 3, memory=memory, **_SMALL).eval()
    assert [network(torch.rand(2, 2, n, 17, 20)).shape for n in (1, 4, 9)] == [(2, 3)] * 3


def test_order_of_slices_counts():
    torch.manual_seed(0)
    network = CNNRNN(1, 2, **_SMALL).eval()
    film = torch.rand(1, 1, 6, 16, 16)
    assert not torch.allclose(network(film), network(film.flip(2)), atol=1e-5)


def test_film_that_is_judged_as_it_runs_forgets_nothing_of_its_future():
    torch.manual_seed(0)
    network = CNNRNN(1, 2, is_bidirectional=False, **_SMALL).eval()
    films = torch.rand(2, 1, 6, 16, 16)
    films[1, :, :3] = films[0, :, :3]
    features = network.encoder(films.movedim(2, 1).flatten(0, 1)).unflatten(0, (2, 6))
    remembered, _ = network.memory(features)
    assert torch.allclose(remembered[0, :3], remembered[1, :3], atol=1e-6)
    assert not torch.allclose(remembered[0, 3:], remembered[1, 3:], atol=1e-4)


def test_unknown_memory_is_refused():
    with pytest.raises(ValueError, match="gru or lstm"):
        CNNRNN(1, 2, memory="rnn")
