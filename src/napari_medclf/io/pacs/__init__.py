"""Picture archives (PACS): DICOMweb and DIMSE clients."""
