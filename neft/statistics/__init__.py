"""From numbers to numbers: confidence intervals, result tables, the paper's published curves."""
