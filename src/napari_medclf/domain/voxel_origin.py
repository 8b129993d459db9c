"""Who a voxel's label comes from: a model, a person, or both."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

OriginMap = NDArray[np.uint8]
"""(K, J, I) values of `VoxelOrigin`, on the grid of the labels."""


class VoxelOrigin(IntEnum):
    """Who a voxel's label comes from, as stored in the origin image of an annotation.

    What is not 0 is locked: a person looked at that voxel, and no model changes it unless it is unlocked.
    """

    MODEL = 0
    """A model's, or nobody's: free to change."""
    PERSON = 1
    """A person painted or erased it, against what the model had said or where no model had spoken."""
    BOTH = 2
    """A person painted the value that the model had said, too, or confirmed it."""
