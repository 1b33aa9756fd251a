"""Design stem-separation cascades as graphs, hear every edge, run them headless."""

__version__ = "0.1.0"
