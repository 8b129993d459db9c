"""Which case a person should look at next: how unsure a model is, how new a case is, and what it would teach."""
