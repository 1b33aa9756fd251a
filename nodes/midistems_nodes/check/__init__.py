"""Checks: what a result must keep to. One that does not hold fails its run (exit code 7); the files stay."""
