"""Names for the arrays that travel through this package."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
"""Any floating dtype; the docstring says the shape."""
LabelArray = NDArray[np.integer[Any]]
"""Whole numbers: label values or instance numbers."""
BoolArray = NDArray[np.bool_]
PixelArray = NDArray[np.number[Any]]
"""Image samples as they are stored or rescaled."""
