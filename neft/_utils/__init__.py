"""What any room may use: files, seeds, checkpoints, processes."""
