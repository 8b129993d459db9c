"""How good a model is: per case or per set, with confidence intervals by patient."""
