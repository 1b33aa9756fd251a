"""Constants and choices."""
