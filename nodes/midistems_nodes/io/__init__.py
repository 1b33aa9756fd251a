"""Into and out of the graph: songs, finished stems, output files, pictures."""
