"""From finished logits to results on the image's own grid, slab by slab."""
