"""A section of `methods` may have epochs of its own, and no other part of the schedule."""

from neft.training import Schedule, build_method, method_schedule


def test_a_section_with_epochs_replaces_those_of_the_run_alone() -> None:
    run = Schedule(8, batch_size=64, learning_rate=0.1, validation_chips=3)
    longer = method_schedule(run, {"method": "ovf", "beta": 1e-3, "epochs": 32})
    assert longer == Schedule(32, batch_size=64, learning_rate=0.1, validation_chips=3)
    assert method_schedule(run, {"beta": 1e-3}) == run


def test_epochs_are_no_setting_of_a_method() -> None:
    assert build_method("ovf", {"beta": 1e-3, "epochs": 32}) == build_method("ovf", {"beta": 1e-3})
