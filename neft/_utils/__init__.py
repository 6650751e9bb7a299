"""What every subpackage may use: checks, files, seeds, checkpoints, processes."""
