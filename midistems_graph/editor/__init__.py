"""The desktop editor: a model in plain Python, and a view that draws it."""
