"""What our modes that look at every operation of torch have in common."""

from __future__ import annotations

from torch.utils._python_dispatch import TorchDispatchMode


class DispatchMode(TorchDispatchMode):
    """A mode that does not make torch load its compiler."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch 2.13 from importing its compiler for this, which takes seconds."""
        return False
