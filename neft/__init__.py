"""Negative feedback training: networks that survive the analog hardware they run on.

The modules form one arrow: measurements -> levels -> fits -> variation -> hardware -> mapping ->
feedback, baselines -> methods -> training -> experiment. `statistics` and `plots` take numbers
and import none of them.
"""
