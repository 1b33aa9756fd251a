"""Graphs on songs, one after the other in the background: what the pages for songs and scores stand on."""
