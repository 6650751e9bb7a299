"""How a memory device errs: Gaussian and measured models, published presets, JSON files."""
