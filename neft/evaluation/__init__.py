"""Networks on many chips: accuracy, uncertainty, corrections applied at deployment."""
