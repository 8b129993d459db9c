"""Read the configurations of MONAI bundles without running anything that they say."""
