"""Phantoms and checks, also for authors of extensions."""
