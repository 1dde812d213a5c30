"""What `experiments.fuzz` runs: mutations, slow plain readers, and the readers that they judge."""
