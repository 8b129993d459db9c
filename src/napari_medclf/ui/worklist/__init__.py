"""The work list of a project: where each case stands, what comes next."""
