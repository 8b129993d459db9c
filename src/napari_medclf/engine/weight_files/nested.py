"""Find the weights in what a training script saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from napari_medclf.domain.errors import CardError

# Best first: what trainers call the weights, then what they call averaged ones.
_KNOWN_KEYS = (
    "state_dict",
    "model_state_dict",
    "network_weights",
    "model_state",
    "model",
    "network",
    "net",
    "weights",
    "module",
    "params",
    "ema_state_dict",
    "model_ema",
    "ema",
)
# What wrappers put before every name: DataParallel, torch.compile, and the averaging of torch.optim.swa_utils.
_WRAPPERS = ("module.", "_orig_mod.")
_DEEPEST = 4
_MOST_SHOWN = 5


def find_state(content: Any, name: str) -> dict[str, Tensor]:
    """Find the tensors by name in a saved object: it itself, or one of its entries.

    Parameters
    ----------
    content : Any
        As `read_checkpoint` returns it. Entries that are no tensors (an epoch, a setting) are left out.
    name : str
        Of the file, for messages.

    Returns
    -------
    dict
        Without what ``DataParallel`` and ``torch.compile`` put before the names.

    Raises
    ------
    CardError
        If there are none, or several that have an equal claim.
    """
    state = _search(content, name, 0)
    if state is None:
        raise CardError(f"{name}: holds no weights by name; {_describe(content)}.")
    return _unwrap(state, name)


def _search(content: Any, name: str, depth: int) -> dict[str, Tensor] | None:
    if not isinstance(content, Mapping) or depth > _DEEPEST:
        return None
    direct = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
    for key in _KNOWN_KEYS:
        found = _search(content.get(key), name, depth + 1)
        if found:
            return found
    if direct:
        return direct
    others = {key: _search(value, name, depth + 1) for key, value in content.items() if "optim" not in str(key)}
    claims = {key: found for key, found in others.items() if found}
    if len(claims) > 1:
        keys = ", ".join(repr(key) for key in list(claims)[:_MOST_SHOWN])
        raise CardError(f"{name}: holds weights under {keys}, and does not say which are the model's.")
    return next(iter(claims.values()), None)


def _unwrap(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    plain = {}
    for key, value in state.items():
        bare = key
        while bare.startswith(_WRAPPERS):
            bare = bare.partition(".")[2]
        if bare in plain:
            raise CardError(f"{name}: names {bare!r} twice, with and without the mark of a wrapper.")
        plain[bare] = value
    if "n_averaged" in plain and any(key.startswith("module.") for key in state):
        del plain["n_averaged"]  # torch.optim.swa_utils.AveragedModel counts its updates beside the weights
    return plain


def _describe(content: Any) -> str:
    if isinstance(content, Mapping):
        keys = ", ".join(repr(key) for key in list(content)[:_MOST_SHOWN])
        return f"its entries are {keys}" if keys else "it is empty"
    return f"it is a {type(content).__name__}"
