"""Laws of seeds: a draw depends on its key and on nothing else."""

import math

import numpy as np
import pytest
import torch

from neft._utils.seeding import beside, derive_seed, generator, seeded

KEYS = [
    (),
    ("",),
    (1,),
    ("1",),
    (1.0,),
    (-1,),
    ("a", "b"),
    ("b", "a"),
    ("ab",),
    ("a, b",),
    ("a', 'b",),
    ("a", "b", ""),
    ("a", 1, 23),
    ("a", 12, 3),
]


def draw(*key: str | int | float) -> list[float]:
    return torch.rand(4, generator=generator(*key)).tolist()


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_the_same_key_gives_the_same_bits_and_no_shared_state(key: tuple) -> None:
    first, second, before = generator(*key), generator(*key), torch.get_rng_state()
    torch.rand(10, generator=first)
    assert torch.rand(4, generator=second).tolist() == draw(*key)
    assert torch.equal(torch.get_rng_state(), before)


def test_every_other_key_gives_other_bits() -> None:
    """Also for 1 and "1", another order, another position of the commas."""
    assert len({derive_seed(*key) for key in KEYS}) == len(KEYS)
    assert len({tuple(draw(*key)) for key in KEYS}) == len(KEYS)


def test_a_seed_is_the_same_in_every_process_and_release() -> None:
    assert derive_seed("chip", 17) == 6144474567911392802


def test_a_generator_beside_another_depends_on_its_state_and_leaves_it() -> None:
    one, same = generator("chip", 1), generator("chip", 1)
    first = torch.rand(1000, generator=beside(one))
    assert torch.equal(torch.rand(1000, generator=beside(same)), first)
    drawn = torch.rand(1000, generator=one)
    assert torch.equal(drawn, torch.rand(1000, generator=same))
    second = torch.rand(1000, generator=beside(one))
    for draws in ([first, drawn], [first, second], [second, drawn]):
        assert abs(torch.corrcoef(torch.stack(draws))[0, 1]) < 4 / math.sqrt(1000)


def test_seeds_fill_63_bits_evenly() -> None:
    seeds = [derive_seed("chip", i) for i in range(1000)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    mean = sum(seeds) / 1000 / 2**63
    assert mean == pytest.approx(0.5, abs=4 * math.sqrt(1 / 12 / 1000))


def test_seeded_code_draws_from_the_key_and_its_end_or_exception_restores_the_generator() -> None:
    before = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt), seeded("outer", 0):
        drawn = torch.rand(2).tolist()
        with seeded("inner"):
            torch.rand(3)
        drawn += torch.rand(2).tolist()
        raise KeyboardInterrupt
    assert drawn == draw("outer", 0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("part", [np.float64(0.1), np.int64(1), True, None, (1,)], ids=repr)
def test_a_part_of_another_type_is_refused(part: object) -> None:
    with pytest.raises(TypeError, match="key must hold str, int or float, got"):
        derive_seed("a", part)


def test_every_accelerator_is_seeded_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two simulated CUDA devices, because no GPU was available."""
    states = {0: "first", 1: "second"}
    monkeypatch.setattr(
        torch.accelerator, "current_accelerator", lambda check_available=False: torch.device("cuda")
    )
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: len(states))
    monkeypatch.setattr(torch.cuda, "get_rng_state", states.get)
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda s, device: states.update({device: s}))
    monkeypatch.setattr(
        torch.cuda, "manual_seed_all", lambda seed: states.update(dict.fromkeys(states, seed))
    )
    with pytest.raises(KeyboardInterrupt), seeded("a"):
        assert states == dict.fromkeys(states, derive_seed("a"))
        raise KeyboardInterrupt
    assert states == {0: "first", 1: "second"}
