"""Several people on one project: blind second readers, how far they agree, and who decides."""
