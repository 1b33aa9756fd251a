"""Masks: made from magnitudes, made to share, applied."""
