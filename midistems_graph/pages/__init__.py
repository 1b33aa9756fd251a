"""Pages: what runs and searches gave, each as one HTML file that needs nothing else."""
