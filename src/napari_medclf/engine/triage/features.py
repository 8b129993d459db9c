"""What a network saw in an image, in so few numbers that those of ten thousand images can be kept."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray

PREFIX = "feature:"
N_KEPT = 32


def features_of(heard: FloatArray | None) -> dict[str, float]:
    """Project a network's embedding on 32 fixed directions.

    Parameters
    ----------
    heard : (F,) or None
        As `Prediction.features`.

    Returns
    -------
    dict
        ``feature:00`` to ``feature:31``; empty where nothing was heard.

    Notes
    -----
    Random signs keep distances (Achlioptas 2003). They are bits of PCG64, whose stream NumPy promises never to change,
    so that images of this year can be compared with figures of a training of last year. The inverse hyperbolic sine
    tames single channels that fire strongly.
    """
    if heard is None:
        return {}
    bits = np.random.PCG64(0).random_raw(len(heard))[:, np.newaxis] >> np.arange(N_KEPT, dtype=np.uint64)
    signs = 2.0 * (bits & np.uint64(1)) - 1.0
    projected = np.arcsinh(heard.astype(np.float64)) @ signs / np.sqrt(len(heard))
    return {f"{PREFIX}{n:02}": value for n, value in enumerate(projected.tolist())}
