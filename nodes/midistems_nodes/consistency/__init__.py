"""Stems made to sum to what they were separated from."""
