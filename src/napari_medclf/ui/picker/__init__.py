"""The list of what a folder holds: series with their pictures, and labels and reports under them."""
