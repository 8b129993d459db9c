"""The twin of ``monai.networks.nets.ViT`` as a classifier (Dosovitskiy 2021), which needs no further package."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from napari_medclf.engine.nets.layers import CONVOLUTION, NotSupported, Stride, check_dims, repeat


class ViT(nn.Module):
    """See MONAI's; patches by a convolution, with learned places and a class token.

    Parameters
    ----------
    img_size, patch_size : int or sequence of int
        Of the image, which must have this size, and of the patches it is cut into.
    hidden_size, num_heads : int
        Features of a patch, a multiple of the number of attentions beside each other.
    post_activation : str
        ``Tanh`` behind the classes; anything else for none.
    """

    def __init__(
        self,
        in_channels: int,
        img_size: Stride,
        patch_size: Stride,
        hidden_size: int = 768,
        mlp_dim: int = 3072,
        num_layers: int = 12,
        num_heads: int = 12,
        proj_type: str = "conv",
        pos_embed_type: str = "learnable",
        classification: bool = False,
        num_classes: int = 2,
        dropout_rate: float = 0.0,
        spatial_dims: int = 3,
        post_activation: str | None = "Tanh",
        qkv_bias: bool = False,
        save_attn: bool = False,
    ) -> None:
        super().__init__()
        check_dims(spatial_dims)
        if (proj_type, pos_embed_type, classification, save_attn) != ("conv", "learnable", True, False):
            raise NotSupported
        image, patch = repeat(img_size, spatial_dims), repeat(patch_size, spatial_dims)
        if any(whole < part for whole, part in zip(image, patch, strict=True)):
            raise ValueError(f"patches of {patch} do not fit into images of {image}")
        if hidden_size % num_heads:
            raise ValueError(f"{hidden_size} features cannot be shared out to {num_heads} heads")
        self.patch_embedding = _Patches(in_channels, image, patch, hidden_size, dropout_rate)
        self.blocks = nn.ModuleList(
            _Block(hidden_size, mlp_dim, num_heads, dropout_rate, qkv_bias) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(hidden_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, hidden_size))
        head = nn.Linear(hidden_size, num_classes)
        self.classification_head = nn.Sequential(head, nn.Tanh()) if post_activation == "Tanh" else head

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return logits (N, num_classes), and what the patches were after every block."""
        x = self.patch_embedding(x)
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), 1)
        hidden: list[Tensor] = []
        for block in self.blocks:
            x = block(x)
            hidden.append(x)
        return self.classification_head(self.norm(x)[:, 0]), hidden


class _Patches(nn.Module):
    """Patches as rows of features, each with its place."""

    def __init__(self, n_in: int, image: Sequence[int], patch: tuple[int, ...], n: int, dropout: float) -> None:
        super().__init__()
        self.patch_embeddings = CONVOLUTION[len(patch)](n_in, n, kernel_size=patch, stride=patch)
        n_patches = math.prod(whole // part for whole, part in zip(image, patch, strict=True))
        self.position_embeddings = nn.Parameter(torch.zeros(1, n_patches, n))
        nn.init.trunc_normal_(self.position_embeddings, std=0.02)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        rows: Tensor = self.patch_embeddings(x).flatten(2).mT
        placed: Tensor = self.dropout(rows + self.position_embeddings)
        return placed


class _Block(nn.Module):
    """Attention between patches, then two layers at each, both beside a shortcut."""

    def __init__(self, n: int, n_wide: int, n_heads: int, dropout: float, has_bias: bool) -> None:
        super().__init__()
        self.mlp = _Layers(n, n_wide, dropout)
        self.norm1 = nn.LayerNorm(n)
        self.attn = _Attention(n, n_heads, dropout, has_bias)
        self.norm2 = nn.LayerNorm(n)
        self.norm_cross_attn = nn.LayerNorm(n)  # MONAI 1.6.1 stores it, used or not

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class _Layers(nn.Module):
    def __init__(self, n: int, n_wide: int, dropout: float) -> None:
        super().__init__()
        self.linear1 = nn.Linear(n, n_wide)
        self.linear2 = nn.Linear(n_wide, n)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.dropout(self.linear2(self.dropout(gelu(self.linear1(x)))))
        return out


class _Attention(nn.Module):
    def __init__(self, n: int, n_heads: int, dropout: float, has_bias: bool) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.out_proj = nn.Linear(n, n)
        self.qkv = nn.Linear(n, 3 * n, bias=has_bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        asked, offered, told = self.qkv(x).unflatten(2, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        likeness = torch.softmax(asked @ offered.mT * asked.shape[-1] ** -0.5, -1)
        heard = self.dropout(likeness) @ told
        out: Tensor = self.dropout(self.out_proj(heard.transpose(1, 2).flatten(2)))
        return out
