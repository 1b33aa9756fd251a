"""Search: many variants of one graph on some songs, each judged by its figures and by what it costs."""
