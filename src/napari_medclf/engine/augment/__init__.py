"""Random changes of training images, and the samplers that draw batches: tensors in, tensors out."""
