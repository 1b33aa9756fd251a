"""Many songs: a queue, processes that run them, and a manifest by which the next run knows what is done."""
