"""From reads of conductances to a model of the devices."""
