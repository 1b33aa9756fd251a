"""Several signals to one: sums, differences, ensembles."""
