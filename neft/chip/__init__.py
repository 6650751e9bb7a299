"""A network on devices: which weights, how they are stored, programming, Monte Carlo inference."""
