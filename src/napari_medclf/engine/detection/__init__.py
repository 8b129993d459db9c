"""Objects as boxes: found in windows, merged, brought home, made from labels."""
