"""Pictures of what flows on an edge, as plain arrays: no window, no file of the song beyond what is shown."""
