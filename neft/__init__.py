"""Negative feedback training: networks that survive the analog hardware they run on.

The modules form one arrow: measurements -> variation -> mapping -> feedback, baselines ->
methods -> training -> montecarlo. `statistics` and `plots` take numbers and import none of them.
"""
