"""The methods by name, as params.yaml calls them: all that these modules define."""

from neft import baselines, feedback, snapshots
from neft.method import METHODS

__all__ = ["METHODS", "baselines", "feedback", "snapshots"]
