"""Models as the BioImage Model Zoo describes them: ``bioimageio.yaml`` beside weights of several kinds."""
