"""Loops around any separator: it is asked again, and what a scorer likes better is kept."""
