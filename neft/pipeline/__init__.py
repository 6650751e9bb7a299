"""The pipeline: parameters, notebooks, README table, report."""
