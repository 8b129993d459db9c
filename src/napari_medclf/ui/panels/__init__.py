"""The tabs of the workbench, one a file."""
