"""Characterize a device technology: from reads of conductances to a variation model."""

from neft.characterize.analysis import characterize
from neft.characterize.reads import read_level_table, read_reads
from neft.characterize.recommendation import recommended_model
