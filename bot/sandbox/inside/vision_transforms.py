"""`torchvision.transforms` in small: what makes pixels of images, and images of another size or place, with the right shapes.

Each takes an image of Pillow's or a tensor (..., height, width), and gives the same kind back. Like the real ones they draw
from torch's random numbers. The tape does not see what they do inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from inside.vision import lacks
from PIL import Image
from torch.nn import functional as _functional

#: How much of the grey comes from red, green and blue (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)

__getattr__ = partial(lacks, "torchvision.transforms")


class Compose:
    """One transform after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, image: Any) -> Any:
        """The image that the last one gives."""
        for transform in self.transforms:
            image = transform(image)
        return image


class Lambda:
    """A function of the program's own."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        """What the function gives."""
        return self.lambd(image)


class _Transform:
    """What is done to an image; by default, to its pixels."""

    def __call__(self, image: Any) -> Any:
        with torch._C.DisableTorchFunction():
            return self._done(image)

    def _done(self, image: Any) -> Any:
        if isinstance(image, Image.Image):
            return _image(self._pixels(_tensor(np.array(image))))
        if not isinstance(image, torch.Tensor):
            raise TypeError(f"{type(self).__name__} takes an image or a tensor, and this is a {type(image).__name__}")
        return self._pixels(image)

    def _pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


class ToTensor(_Transform):
    """An image or an array (height, width, channels) of bytes as a tensor (channels, height, width) between 0 and 1."""

    def _done(self, image: Any) -> torch.Tensor:
        if not isinstance(image, Image.Image | np.ndarray):
            raise TypeError(f"ToTensor takes an image or an array, and this is a {type(image).__name__}")
        pixels = _tensor(np.array(image))
        return pixels.to(torch.get_default_dtype()).div(255) if pixels.dtype == torch.uint8 else pixels


class ToPILImage(_Transform):
    """A tensor (channels, height, width) or an array (height, width, channels) as an image."""

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def _done(self, image: Any) -> Any:
        pixels = _tensor(image) if isinstance(image, np.ndarray) else image
        return _image(pixels.mul(255).byte() if pixels.is_floating_point() else pixels)


class Normalize(_Transform):
    """Each channel of a tensor of real numbers, less its mean, in units of its deviation."""

    def __init__(self, mean: Any, std: Any, inplace: bool = False) -> None:
        self.mean, self.std, self.inplace = mean, std, inplace

    def _done(self, image: Any) -> torch.Tensor:
        if not isinstance(image, torch.Tensor) or not image.is_floating_point():
            raise TypeError("Normalize takes a tensor of real numbers. Put ToTensor() before it.")
        mean, std = (
            torch.as_tensor(each, dtype=image.dtype).reshape(-1, 1, 1) for each in (self.mean, self.std)
        )  # fmt: skip
        return (image if self.inplace else image.clone()).sub_(mean).div_(std)


class Resize(_Transform):
    """An image of another size; with a single number, of that shorter side."""

    def __init__(
        self, size: Any, interpolation: Any = None, max_size: int | None = None, antialias: Any = True
    ) -> None:
        self.size = size

    def _pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        height, width = pixels.shape[-2:]
        size = self.size if isinstance(self.size, int) else tuple(self.size)
        if not isinstance(size, tuple) or len(size) == 1:
            short = size if isinstance(size, int) else size[0]
            size = (short, short * width // height) if height <= width else (short * height // width, short)
        planes = pixels.reshape(1, -1, height, width).to(torch.get_default_dtype())
        resized = _functional.interpolate(planes, size, mode="bilinear").reshape(*pixels.shape[:-2], *size)
        return resized if pixels.is_floating_point() else resized.round().to(pixels.dtype)


class CenterCrop(_Transform):
    """The middle of an image, with black around it where it is too small."""

    def __init__(self, size: Any) -> None:
        self.size = _pair(size)

    def _pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        pixels = _at_least(pixels, self.size)
        rows, columns = ((have - wanted) // 2 for have, wanted in zip(pixels.shape[-2:], self.size, strict=True))
        return pixels[..., rows : rows + self.size[0], columns : columns + self.size[1]]


class RandomCrop(_Transform):
    """Some part of an image, after `padding` was put around it: on all sides, left and top, or each side."""

    def __init__(
        self, size: Any, padding: Any = None, pad_if_needed: bool = False, fill: Any = 0, padding_mode: str = "constant"
    ) -> None:
        self.size, self.pad_if_needed, self.fill = _pair(size), pad_if_needed, fill
        sides = [padding or 0] if not isinstance(padding, Sequence) else [*padding]
        self.padding = (sides * 4)[:4]  # left, top, right, bottom

    def _pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        left, top, right, bottom = self.padding
        pixels = _functional.pad(
            pixels, (left, right, top, bottom), value=self.fill if isinstance(self.fill, int) else 0
        )
        pixels = _at_least(pixels, self.size) if self.pad_if_needed else pixels
        rooms = [have - wanted for have, wanted in zip(pixels.shape[-2:], self.size, strict=True)]
        if min(rooms) < 0:
            raise ValueError(f"an image of {tuple(pixels.shape[-2:])} is too small for a crop of {self.size}")
        rows, columns = (int(torch.randint(0, room + 1, (1,))) for room in rooms)
        return pixels[..., rows : rows + self.size[0], columns : columns + self.size[1]]


class RandomHorizontalFlip(_Transform):
    """An image, or its mirror image."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def _pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.flip(-1) if float(torch.rand(1)) < self.p else pixels


class Grayscale(_Transform):
    """An image without its colours, in one channel or in three that are the same."""

    def __init__(self, num_output_channels: int = 1) -> None:
        self.channels = num_output_channels

    def _pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        values = pixels.to(torch.get_default_dtype())
        weights = torch.tensor(_LUMA, dtype=values.dtype)[:, None, None]
        grey = ((values * weights).sum(-3, keepdim=True) if values.shape[-3] == 3 else values).to(pixels.dtype)
        return grey.expand(*grey.shape[:-3], self.channels, *grey.shape[-2:]).clone()


def _tensor(pixels: np.ndarray[Any, Any]) -> torch.Tensor:
    """(height, width) or (height, width, channels) as (channels, height, width)."""
    return torch.from_numpy(pixels if pixels.ndim == 3 else pixels[:, :, None]).permute(2, 0, 1).contiguous()


def _image(pixels: torch.Tensor) -> Any:
    array = pixels.permute(1, 2, 0).numpy() if pixels.ndim == 3 else pixels.numpy()
    return Image.fromarray(array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array)


def _pair(size: Any) -> tuple[int, int]:
    sides = (size,) if isinstance(size, int) else tuple(size)
    return sides[0], sides[-1]


def _at_least(pixels: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The pixels with black on all sides where they are fewer than this."""
    rows, columns = (max(0, wanted - have) for have, wanted in zip(pixels.shape[-2:], size, strict=True))
    return _functional.pad(pixels, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
