"""A PACS by DICOMweb."""
