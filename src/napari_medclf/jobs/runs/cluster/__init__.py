"""Share the cases of a run among worker processes, here or on many machines, by ``dask.distributed``."""
