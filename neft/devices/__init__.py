"""Models of device variation: Gaussian and measured ones, published presets, JSON files."""
