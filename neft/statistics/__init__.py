"""Statistics of accuracies: confidence intervals, result tables, the paper's published curves."""
