"""What an image goes through on its own grid before a network sees it: denoising, contrast, crops."""
