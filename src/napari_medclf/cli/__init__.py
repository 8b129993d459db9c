"""The command `medclf`."""
