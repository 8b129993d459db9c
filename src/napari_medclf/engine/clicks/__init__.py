"""Clicks as channels of a network's input: how they are drawn, and where a person would click."""
