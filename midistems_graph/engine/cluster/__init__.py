"""Many machines: a scheduler to talk to, files that travel by content, results that are taken over."""
