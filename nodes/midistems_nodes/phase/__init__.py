"""Phase: signals from magnitudes, and stems whose phases agree with their mixture."""
