"""Look at the names and shapes of weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Names:
    """The weights of a network, asked for what they give away."""

    state: Mapping[str, Tensor]

    def __contains__(self, key: str) -> bool:
        return key in self.state

    def shape(self, key: str) -> tuple[int, ...]:
        """Shape of a tensor; raises KeyError where there is none of the name."""
        return tuple(self.state[key].shape)

    def outputs(self, key: str) -> int:
        """Output channels of a convolution or linear layer."""
        return self.shape(key)[0]

    def inputs(self, key: str) -> int:
        """Its input channels."""
        return self.shape(key)[1]

    def dims(self, key: str) -> int:
        """Spatial dimensions of a convolution."""
        return len(self.shape(key)) - 2

    def count(self, pattern: str) -> int:
        """How many numbers follow each other from 0 in the one group of a pattern that begins names."""
        found = {int(match[1]) for key in self.state if (match := re.match(pattern, key))}
        return next(n for n in range(len(found) + 1) if n not in found)

    def first(self, pattern: str) -> str:
        """Give the first name that a pattern begins; raises KeyError where there is none."""
        for key in self.state:
            if re.match(pattern, key):
                return key
        raise KeyError(pattern)

    def has(self, pattern: str) -> bool:
        """Whether a pattern begins any name."""
        return any(re.match(pattern, key) for key in self.state)

    def norm(self, pattern: str) -> str | tuple[str, dict[str, bool]]:
        """Guess a normalisation by what it stores: batch has running means, instance a weight or nothing."""
        if self.has(pattern + r"running_mean"):
            return "batch"
        return ("instance", {"affine": self.has(pattern + r"weight")})
