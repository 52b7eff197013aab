import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sepprune.errors import UserError
from sepprune.training.loading import loaded


class Numbers(Dataset[tuple[Tensor, ...]]):
    """Item ``n`` is a thousand numbers ``n``, and their negatives."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, number: int) -> tuple[Tensor, ...]:
        return torch.full((100_000,), float(number)), torch.full((100_000,), -float(number))


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file of this process may exceed 64 kB, nor may what it puts into shared memory."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_items_come_in_the_order_of_the_dataset(workers: int) -> None:
    assert [(int(one[0]), int(other[0])) for one, other in loaded(Numbers(), workers)] == [
        (number, -number) for number in range(5)
    ]


def test_shared_memory_without_room_for_an_item_is_an_error(small_files: None) -> None:
    with pytest.raises(UserError, match="shared memory .*has no room for the next mixtures: give it more"):
        next(loaded(Numbers(), 1))


def test_a_program_ends_after_an_error_of_shared_memory() -> None:
    program = (
        "import resource; from tests.training.test_loading import Numbers, loaded; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536)); next(loaded(Numbers(), 1))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1 and "has no room" in ended.stderr
