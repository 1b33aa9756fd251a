"""Scorers: judgements of stems that loops, searches and choices go by. The higher the better, whatever the scorer."""
