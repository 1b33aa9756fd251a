"""Stem sets: taken apart, put together, renamed."""
