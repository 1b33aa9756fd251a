"""Many machines: the workers of a Dask cluster as the crew of a batch, and what each of them does for a song."""
