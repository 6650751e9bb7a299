"""Every figure is closed after its test."""

import matplotlib
import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def clean_pyplot():
    with matplotlib.rc_context():
        yield
        plt.close("all")
