"""Traces that separation leaves: smoothed, filled, gated, hidden."""
