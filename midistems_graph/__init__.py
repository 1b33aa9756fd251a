"""Design stem-separation cascades as graphs, hear every edge, run them headless."""

import os

__version__ = "0.1.0"

# The engine shares out the cores; threads of a matrix library beside its own wait for each other, and small products
# took up to ten times as long. It only counts where numpy was not imported before.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
