"""A PACS by DIMSE."""
