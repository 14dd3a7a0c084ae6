"""`torchvision.datasets` in small: random images of the real data sets' shapes and classes; nothing is read or loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from inside.vision import lacks
from PIL import Image
from torch.utils.data import Dataset

#: Examples to train with, and to test with: few enough for many epochs, and more than one of the usual batches.
TRAIN, TEST = 128, 64

__getattr__ = partial(lacks, "torchvision.datasets")


class _Images(Dataset):
    """So many random images with their labels; the same in each run, whatever a program draws itself.

    They have the number of a real example that is not among them too: it is one of them.
    """

    classes: ClassVar[list[str]] = []
    shape: tuple[int, ...] = (28, 28)  #: of an image as an array: height, width, and the colours where there are any
    whole: tuple[int, int] = (60_000, 10_000)  #: of the real data set: to train with, and to test with

    def __init__(
        self,
        root: Any = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        self.root, self.train, self.transform, self.target_transform = root, train, transform, target_transform
        self._draw(TRAIN if train else TEST, stands_for=self.whole[0 if train else 1], seed=int(train))

    def _draw(self, count: int, *, stands_for: int, seed: int) -> None:
        numbers = np.random.default_rng(seed)
        self.stands_for = stands_for
        self._pixels = numbers.integers(0, 256, (count, *self.shape), dtype=np.uint8)
        self._labels = numbers.integers(0, len(self.classes), count)
        self.class_to_idx = {name: number for number, name in enumerate(self.classes)}
        self._keep()

    def _keep(self) -> None:
        """Put images and labels where the data set has them."""
        self.data: Any = self._pixels
        self.targets: Any = self._labels.tolist()

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: Any) -> tuple[Any, Any]:
        number = int(number)
        if not -len(self) <= number < max(self.stands_for, len(self)):
            raise IndexError(f"there is no example {number}")
        at = number % len(self)
        image, label = Image.fromarray(np.asarray(self.data[at])), int(self.targets[at])
        return (
            image if self.transform is None else self.transform(image),
            label if self.target_transform is None else self.target_transform(label),
        )

    def __repr__(self) -> str:
        return f"Dataset {type(self).__name__} (a stand-in of {len(self)} random images)"


class MNIST(_Images):
    """Grey images of 28 × 28; its images and labels are tensors."""

    classes: ClassVar[list[str]] = [
        "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four",
        "5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine",
    ]  # fmt: skip

    def _keep(self) -> None:
        with torch._C.DisableTorchFunction():
            self.data, self.targets = torch.from_numpy(self._pixels), torch.from_numpy(self._labels)

    @property
    def train_data(self) -> torch.Tensor:
        """The images, as old programs call them."""
        return self.data

    @property
    def train_labels(self) -> torch.Tensor:
        """The labels, as old programs call them."""
        return self.targets

    test_data, test_labels = train_data, train_labels


class FashionMNIST(MNIST):
    """As MNIST, of clothes."""

    classes: ClassVar[list[str]] = [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ]  # fmt: skip


class KMNIST(MNIST):
    """As MNIST, of Japanese letters."""

    classes: ClassVar[list[str]] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


class CIFAR10(_Images):
    """Coloured images of 32 × 32; its images are an array and its labels a list."""

    shape = (32, 32, 3)
    whole = (50_000, 10_000)
    classes: ClassVar[list[str]] = [
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ]  # fmt: skip


class CIFAR100(CIFAR10):
    """As CIFAR10, in a hundred classes, whose names are numbers here."""

    classes: ClassVar[list[str]] = [f"class {number}" for number in range(100)]


class FakeData(_Images):
    """Random images of any size, which the real one makes as well; no more of them than other data sets have here."""

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        random_offset: int = 0,
    ) -> None:
        self.transform, self.target_transform = transform, target_transform
        self.classes = [str(number) for number in range(num_classes)]  # type: ignore[misc]
        channels, height, width = image_size
        self.shape = (height, width) if channels == 1 else (height, width, channels)
        self._draw(min(size, TRAIN), stands_for=size, seed=random_offset)
