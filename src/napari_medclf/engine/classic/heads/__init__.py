"""What decides from features: one module for each kind of classic model, fitted by scikit-learn, kept in buffers."""
