"""What the benchmark measures: our side, the plain one, the peers' and the machine's limits."""
