"""Models without deep learning, as networks with buffers: counted features, and heads that scikit-learn fits."""
