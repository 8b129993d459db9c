"""Networks at work: prepare, infer, train, measure."""
