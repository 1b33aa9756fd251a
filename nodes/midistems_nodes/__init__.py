"""The node types that come with midistems-graph, one package per room, written as anyone else's pack is."""
