"""Contours of RT structure sets, in and out."""
