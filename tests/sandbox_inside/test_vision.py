"""Course scripts that read images with torchvision run: its stand-in has the shapes of the real one, and random pixels."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest

from bot.domain.run import Outcome, Run
from bot.sandbox import Order
from bot.sandbox.client import JailedSandbox

pytestmark = pytest.mark.sandbox

RunCode = Callable[[str], Run]

IMPORTS = """
import torch
import torchvision
from torch.utils.data import DataLoader, Subset, random_split
from torchvision import datasets, transforms
"""


@pytest.fixture
def run(sandbox: JailedSandbox) -> RunCode:
    return lambda code: sandbox.run(Order(code=IMPORTS + dedent(code)))


def shown(run: Run) -> list[str]:
    assert run.outcome is Outcome.FINISHED, run
    return [echo.text for echo in run.echoes]


@pytest.mark.parametrize(
    ("name", "image", "data", "classes"),
    [
        ("MNIST", "(1, 28, 28)", "(128, 28, 28)", 10),
        ("FashionMNIST", "(1, 28, 28)", "(128, 28, 28)", 10),
        ("KMNIST", "(1, 28, 28)", "(128, 28, 28)", 10),
        ("CIFAR10", "(3, 32, 32)", "(128, 32, 32, 3)", 10),
        ("CIFAR100", "(3, 32, 32)", "(128, 32, 32, 3)", 100),
    ],
)
def test_each_data_set_has_the_shape_and_the_classes_of_the_real_one(
    run: RunCode, name: str, image: str, data: str, classes: int
) -> None:
    done = run(f"""
        made = torchvision.datasets.{name}(root="./data", train=True, download=True, transform=transforms.ToTensor())
        pixels, label = made[0]
        tuple(pixels.shape), pixels.dtype
        0 <= pixels.min() < pixels.max() <= 1
        type(label), label == int(made.targets[0])
        tuple(made.data.shape), len(made.targets), len(made)
        len(made.classes), len(made.class_to_idx)
        """)
    assert shown(done) == [
        f"({image}, torch.float32)", "tensor(True)", "(<class 'int'>, True)",
        f"({data}, 128, 128)", f"({classes}, {classes})",
    ]  # fmt: skip


def test_without_a_transform_an_image_is_an_image_and_targets_are_transformed_by_themselves(run: RunCode) -> None:
    done = run("""
        image, label = datasets.CIFAR10("data", target_transform=lambda label: ("label", label // 100))[3]
        image.size, image.mode, label
        datasets.FakeData(size=5, image_size=(1, 4, 6), transform=transforms.ToTensor(), num_classes=3)[4][0].shape
        """)
    assert shown(done) == ["((32, 32), 'RGB', ('label', 0))", "torch.Size([1, 4, 6])"]


def test_each_run_sees_the_same_images_whatever_it_draws_itself(run: RunCode) -> None:
    code = "_ = torch.manual_seed({})\nmade = datasets.MNIST('.')\nmade.data.sum(), made.targets[:9]\ntorch.rand(1)\n"
    (one, drawn), (other, drawn_other) = shown(run(code.format(1))), shown(run(code.format(2)))
    assert one == other
    assert drawn != drawn_other


def test_a_training_runs_through_loaders_splits_and_subsets_made_for_the_real_sizes(run: RunCode) -> None:
    done = run("""
        transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
        train = datasets.MNIST("data", train=True, download=True, transform=transform)
        test = datasets.MNIST("data", train=False, transform=transform)
        few, fewer = random_split(train, [50000, 10000])
        len(train), len(test), len(few), len(fewer), len(random_split(train, [0.5, 0.5])[0])
        len([label for _, label in Subset(train, range(1000, 1300))]), len(list(test))
        net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for images, labels in DataLoader(train, batch_size=64, shuffle=True):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(images), labels)
            loss.backward()
            optimizer.step()
            print(tuple(images.shape), labels.dtype, bool(images.min() >= -1))
        """)
    assert shown(done) == ["(128, 64, 106, 22, 64)", "(300, 64)"]
    assert done.stdout == "(64, 1, 28, 28) torch.int64 True\n" * 2


def test_a_split_that_adds_up_to_no_data_set_is_the_askers_own_mistake(run: RunCode) -> None:
    done = run("random_split(datasets.MNIST('data'), [50000, 1])")
    assert (done.outcome, done.error and done.error.type) == (Outcome.RAISED, "ValueError")


def test_an_index_beyond_the_real_data_set_is_none(run: RunCode) -> None:
    done = run("datasets.MNIST('data')[59999]\ndatasets.MNIST('data', train=False)[10000]")
    assert (done.outcome, done.error and done.error.type) == (Outcome.RAISED, "IndexError")


@pytest.mark.parametrize(
    ("transform", "shape"),
    [
        ("Resize(14)", (3, 14, 18)),
        ("Resize((8, 9))", (3, 8, 9)),
        ("Resize([40])", (3, 40, 53)),
        ("CenterCrop(10)", (3, 10, 10)),
        ("CenterCrop((40, 8))", (3, 40, 8)),
        ("RandomCrop(24, padding=2)", (3, 24, 24)),
        ("RandomCrop((30, 50), padding=(10, 4))", (3, 30, 50)),
        ("RandomCrop(40, pad_if_needed=True)", (3, 40, 40)),
        ("RandomHorizontalFlip()", (3, 24, 32)),
        ("Grayscale()", (1, 24, 32)),
        ("Grayscale(3)", (3, 24, 32)),
        ("Lambda(lambda image: image)", (3, 24, 32)),
    ],
)
def test_a_transform_gives_the_same_shape_for_an_image_as_for_a_tensor(
    run: RunCode, transform: str, shape: tuple[int, ...]
) -> None:
    done = run(f"""
        change, number = transforms.{transform}, transforms.ToTensor()
        pixels = torch.rand(3, 24, 32)
        tuple(change(pixels).shape)
        image = transforms.ToPILImage()(pixels)
        tuple(number(change(image)).shape), type(change(image)) is type(image)
        """)
    assert shown(done) == [str(shape), f"({shape}, True)"]


def test_pixels_keep_their_values_where_they_are_only_moved(run: RunCode) -> None:
    done = run("""
        pixels = (torch.arange(12.0).reshape(1, 3, 4) / 255)
        back = transforms.ToTensor()(transforms.ToPILImage()(pixels))
        torch.allclose(back, pixels)
        (transforms.RandomHorizontalFlip(p=1)(pixels) * 255).int()[0, 0].tolist()
        (transforms.CenterCrop((1, 2))(pixels) * 255).round().int().tolist()
        (transforms.Normalize(0.5, 0.25)(torch.ones(2, 1, 1))).flatten().tolist()
        """)
    assert shown(done) == ["True", "[3, 2, 1, 0]", "[[[5, 6]]]", "[2.0, 2.0]"]


def test_the_tape_sees_the_batches_and_nothing_of_how_they_were_made(run: RunCode) -> None:
    done = run("""
        transform = transforms.Compose([transforms.RandomCrop(28, padding=4), transforms.ToTensor()])
        for images, labels in DataLoader(datasets.MNIST("data", transform=transform), batch_size=64):
            pass
        """)
    assert done.tape is not None
    assert not {event.op for event in done.tape.events} & {"torch.from_numpy", "Tensor.div", "Tensor.permute"}
    assert any(event.op == "torch.stack" for event in done.tape.events)


@pytest.mark.parametrize(
    ("code", "lacking"),
    [
        ("torchvision.models.resnet18()", "torchvision.models"),
        ("from torchvision import models", "torchvision.models"),
        ("import torchvision.models as models", "torchvision.models"),
        ("from torchvision.utils import make_grid", "torchvision.utils"),
        ("datasets.ImageFolder('pictures')", "torchvision.datasets.ImageFolder"),
        ("from torchvision.datasets import ImageFolder", "torchvision.datasets.ImageFolder"),
        ("import torchvision.transforms.functional as TF", "torchvision.transforms.functional"),
        ("transforms.RandomRotation(10)", "torchvision.transforms.RandomRotation"),
        ("from torchvision.transforms import v2", "torchvision.transforms.v2"),
    ],
)
def test_what_the_stand_in_lacks_is_missing_and_no_mistake(run: RunCode, code: str, lacking: str) -> None:
    done = run(code)
    assert done.outcome is Outcome.UNSUPPORTED
    assert done.reason == f"it needs the module {lacking}, which the sandbox does not have"


def test_a_program_that_does_not_import_it_has_it_not(sandbox: JailedSandbox) -> None:
    done = sandbox.run(
        Order(code="import sys, torch\n[name for name in sys.modules if name.startswith('torchvision')]\n")
    )
    assert shown(done) == ["[]"]
