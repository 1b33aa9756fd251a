"""Stems by where they stand: filters across channels."""
