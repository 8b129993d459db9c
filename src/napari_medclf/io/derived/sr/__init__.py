"""Structured reports of scores and measurements (TID 1500), in and out."""
