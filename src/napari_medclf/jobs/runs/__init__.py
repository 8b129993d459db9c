"""Run a model over many images: the stages of a case, who does them, and the book that is kept."""
