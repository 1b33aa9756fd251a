"""Separators that need no trained network: they go by shape, repetition, place or a few spectra."""
