"""A graph that is edited while it is heard: edges on request, from a stretch first to the whole song."""
