"""Data sets with fixed splits, read from the files that their authors distribute."""
