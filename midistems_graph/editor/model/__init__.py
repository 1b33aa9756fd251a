"""Everything the editor knows and does, without a window: the view feeds it events and draws what it holds."""
