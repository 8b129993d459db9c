"""The work list of a project: what is done, what comes next, and how long it takes."""
