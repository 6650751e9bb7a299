"""A network on devices: choice of weights, storage, programming, Monte Carlo inference."""
