"""Laws of loading: every image once with its label, in the order of a generator."""

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset, TensorDataset

from neft._utils.seeding import generator, seeded
from neft.data.loading import CropAndFlip, Images, Part, batches

IMAGES = torch.arange(10 * 2 * 4 * 4, dtype=torch.float32).reshape(10, 2, 4, 4)
LABELS = torch.arange(10)


class OneByOne(Dataset):
    """A data set that knows single indices only."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return IMAGES[index], int(LABELS[index])


def part() -> Part:
    pixels = (IMAGES % 256).to(torch.uint8)
    return Part(pixels, LABELS, pixels.numpy())


DATA = {
    "tensors": TensorDataset(IMAGES, LABELS),
    "images": Images(part(), torch.Tensor.float),
    "one by one": OneByOne(),
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("rows", [list(range(10)), [7, 1, 5, 3, 2]])
def test_every_image_is_seen_once_with_its_label(name: str, rows: list[int]) -> None:
    data = Subset(DATA[name], rows) if len(rows) < 10 else DATA[name]
    found = list(batches(data, 4, generator=generator("order")))
    assert [len(labels) for _, labels in found] == ([4, 4, 2] if len(rows) == 10 else [4, 1])
    images, labels = (torch.cat(parts) for parts in zip(*found, strict=True))
    assert sorted(labels.tolist()) == sorted(rows)
    assert labels.tolist() != rows
    expected = IMAGES[labels]
    torch.testing.assert_close(images, expected % 256 if name == "images" else expected)


def test_the_order_is_the_generators_whatever_the_data_set() -> None:
    def order(name: str, *key: str | int) -> list[int]:
        found = batches(DATA[name], 4, generator=generator(*key))
        return torch.cat([labels for _, labels in found]).tolist()

    assert order("tensors", 0) == order("images", 0) == order("one by one", 0)
    assert order("tensors", 0) != order("tensors", 1)


def test_several_indices_give_a_batch_of_what_one_index_gives() -> None:
    images, labels = DATA["images"][[3, 1]]
    for image, label, index in zip(images, labels, [3, 1], strict=True):
        assert torch.equal(image, DATA["images"][index][0])
        assert label == DATA["images"][index][1]


def test_crops_equal_a_loop_over_images_and_all_places_occur() -> None:
    images = torch.arange(1, 2 * 300 * 9 + 1).reshape(300, 2, 3, 3)
    with seeded("crops"):
        crops = CropAndFlip(3, padding=1)(images)
    padded = torch.nn.functional.pad(images, [1] * 4)
    places = set()
    for crop, image in zip(crops, padded, strict=True):
        possible = {
            (top, left, mirrored): view.flip(-1) if mirrored else view
            for top in range(3)
            for left in range(3)
            for view in [image[:, top : top + 3, left : left + 3]]
            for mirrored in (False, True)
        }
        (place,) = (place for place, view in possible.items() if torch.equal(view, crop))
        places.add(place)
    assert len(places) == 3 * 3 * 2


def test_data_without_a_length_are_refused() -> None:
    class Endless(Dataset):
        pass

    with pytest.raises(ValueError, match="train must have a length, got Endless"):
        batches(Endless(), 4, generator=generator("order"))
