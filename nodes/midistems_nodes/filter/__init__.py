"""Gain, filters, crossover and fades."""
