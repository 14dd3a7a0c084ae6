"""A stand-in for the course's helper package, so that askers' `from d2l import torch as d2l` runs.

It offers the names that the chapters on autograd, linear models and multilayer perceptrons use, written
anew and small: plots are drawn with matplotlib and thrown away, data sets are random numbers.
"""

from __future__ import annotations

import random
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

ones, zeros, tensor, arange, matmul, sin, cos, exp = (
    torch.ones, torch.zeros, torch.tensor, torch.arange, torch.matmul, torch.sin, torch.cos, torch.exp,
)  # fmt: skip
reshape = lambda value, *shape: value.reshape(*shape)  # noqa: E731 - as short as the names around it
numpy = lambda value: value.detach().numpy()  # noqa: E731
size = lambda value: value.numel()  # noqa: E731
to = lambda value, *where: value.to(*where)  # noqa: E731


def install() -> None:
    """Make `import d2l`, `from d2l import torch as d2l` and `from utils import d2l` find this module."""
    here = sys.modules[__name__]
    package = types.ModuleType("d2l")
    package.__dict__.update({name: value for name, value in vars(here).items() if not name.startswith("__")})
    package.torch = here  # type: ignore[attr-defined]
    package.__path__ = []
    sys.modules.setdefault("d2l", package)
    sys.modules.setdefault("d2l.torch", here)
    utils = types.ModuleType("utils")
    utils.d2l = here  # type: ignore[attr-defined]
    sys.modules.setdefault("utils", utils)


def use_svg_display() -> None:
    """Nothing to do: the pictures are not shown."""


def set_figsize(figsize: Sequence[float] = (3.5, 2.5)) -> None:
    """The size of the next picture, in inches."""
    plt.rcParams["figure.figsize"] = tuple(figsize)


def set_axes(axes: Any, xlabel: Any, ylabel: Any, xlim: Any, ylim: Any, xscale: Any, yscale: Any, legend: Any) -> None:
    """Label and scale a picture's axes."""
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.set_xscale(xscale)
    axes.set_yscale(yscale)
    if xlim:
        axes.set_xlim(xlim)
    if ylim:
        axes.set_ylim(ylim)
    if legend:
        axes.legend(legend)
    axes.grid()


def plot(
    X: Any,
    Y: Any = None,
    xlabel: Any = None,
    ylabel: Any = None,
    legend: Any = (),
    xlim: Any = None,
    ylim: Any = None,
    xscale: str = "linear",
    yscale: str = "linear",
    fmts: Sequence[str] = ("-", "m--", "g-.", "r:"),
    figsize: Sequence[float] = (3.5, 2.5),
    axes: Any = None,
) -> None:
    """Draw one curve or several; numbers that still require gradients fail here as they do in matplotlib."""
    set_figsize(figsize)
    axes = axes or plt.gca()
    curves = list(Y) if isinstance(Y, (list, tuple)) else [X if Y is None else Y]
    grounds = list(X) if isinstance(X, (list, tuple)) and len(X) and hasattr(X[0], "__len__") else [X] * len(curves)
    axes.cla()
    for ground, curve, style in zip(grounds, curves, list(fmts) * len(curves), strict=False):
        if Y is None:
            axes.plot(curve, style)
        else:
            axes.plot(ground, curve, style)
    set_axes(axes, xlabel, ylabel, xlim, ylim, xscale, yscale, list(legend))


def synthetic_data(w: torch.Tensor, b: float, num_examples: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Examples of y = Xw + b + noise: X of shape (n, len(w)), y of shape (n, 1)."""
    X = torch.normal(0, 1, (num_examples, len(w)))
    y = torch.matmul(X, w) + b
    return X, (y + torch.normal(0, 0.01, y.shape)).reshape((-1, 1))


def linreg(X: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The linear model."""
    return torch.matmul(X, w) + b


def squared_loss(y_hat: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Half the squared error of each example."""
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def sgd(params: Any, lr: float, batch_size: int) -> None:
    """One step of minibatch gradient descent, then zeroed gradients."""
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()


def load_array(data_arrays: Any, batch_size: int, is_train: bool = True) -> torch.utils.data.DataLoader:
    """Batches of tensors."""
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data_arrays), batch_size, shuffle=is_train)


def data_iter(batch_size: int, features: torch.Tensor, labels: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
    """Shuffled batches of features and labels."""
    order = list(range(len(features)))
    random.shuffle(order)
    for start in range(0, len(order), batch_size):
        chosen = torch.tensor(order[start : start + batch_size])
        yield features[chosen], labels[chosen]


def load_data_fashion_mnist(batch_size: int, resize: Any = None) -> tuple[Any, Any]:
    """Random pictures of the data set's shape in place of the real ones."""
    side = resize if isinstance(resize, int) else 28
    pictures, labels = torch.rand(4 * batch_size, 1, side, side), torch.randint(0, 10, (4 * batch_size,))
    return load_array((pictures, labels), batch_size), load_array((pictures, labels), batch_size, False)


def get_fashion_mnist_labels(labels: Any) -> list[str]:
    """The names of the ten classes."""
    names = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]
    return [names[int(label)] for label in labels]


def try_gpu(i: int = 0) -> torch.device:
    """The CPU: there is no GPU here."""
    return torch.device("cpu")


def try_all_gpus() -> list[torch.device]:
    """The CPU: there is no GPU here."""
    return [torch.device("cpu")]


def accuracy(y_hat: torch.Tensor, y: torch.Tensor) -> float:
    """How many predictions are right."""
    if y_hat.dim() > 1 and y_hat.shape[1] > 1:
        y_hat = y_hat.argmax(dim=1)
    return float((y_hat.type(y.dtype) == y).type(y.dtype).sum())


def evaluate_accuracy(net: Any, data: Any) -> float:
    """The share of right predictions."""
    metric = Accumulator(2)
    with torch.no_grad():
        for X, y in data:
            metric.add(accuracy(net(X), y), y.numel())
    return metric[0] / metric[1]


def evaluate_loss(net: Any, data: Any, loss: Callable[..., torch.Tensor]) -> float:
    """The mean loss over a data set."""
    metric = Accumulator(2)
    for X, y in data:
        value = loss(net(X), y)
        metric.add(float(value.sum()), value.numel())
    return metric[0] / metric[1]


class Accumulator:
    """Sums over several numbers."""

    def __init__(self, n: int) -> None:
        self.data = [0.0] * n

    def add(self, *args: Any) -> None:
        """Add one number to each sum."""
        self.data = [kept + float(new) for kept, new in zip(self.data, args, strict=False)]

    def reset(self) -> None:
        """Start again from zero."""
        self.data = [0.0] * len(self.data)

    def __getitem__(self, place: int) -> float:
        return self.data[place]


class Timer:
    """Measures times in seconds."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.start()

    def start(self) -> None:
        """Begin a measurement."""
        self.tik = time.time()

    def stop(self) -> float:
        """End it."""
        self.times.append(time.time() - self.tik)
        return self.times[-1]

    def avg(self) -> float:
        """The mean."""
        return sum(self.times) / len(self.times)

    def sum(self) -> float:
        """The total."""
        return sum(self.times)

    def cumsum(self) -> list[float]:
        """The running total."""
        return [float(value) for value in np.array(self.times).cumsum()]


class Animator:
    """Takes the points of a growing picture; nothing is shown."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        self.points: list[tuple[Any, Any]] = []

    def add(self, x: Any, y: Any) -> None:
        """Add a point for each curve."""
        self.points.append((x, y))


class Residual(nn.Module):
    """A block with a shortcut."""

    def __init__(self, input_channels: int, num_channels: int, use_1x1conv: bool = False, strides: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(input_channels, num_channels, kernel_size=3, padding=1, stride=strides)
        self.conv2 = nn.Conv2d(num_channels, num_channels, kernel_size=3, padding=1)
        self.conv3 = nn.Conv2d(input_channels, num_channels, kernel_size=1, stride=strides) if use_1x1conv else None
        self.bn1, self.bn2 = nn.BatchNorm2d(num_channels), nn.BatchNorm2d(num_channels)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """The block's output."""
        Y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(X)))))
        return torch.relu(Y + (X if self.conv3 is None else self.conv3(X)))
