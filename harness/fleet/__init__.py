"""Several stations as one fleet: planned runs go to them through Dask, which is installed only where it is wanted."""
