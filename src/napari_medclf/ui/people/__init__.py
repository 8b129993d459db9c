"""Several people on one project: who reads, who is blind, how far they agree, who decides."""
