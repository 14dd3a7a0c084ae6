from __future__ import annotations

import pytest

from bot.source import Restored, asterisks_restored


def restored(line: str, *names: str, known: tuple[str, ...] = ()) -> str:
    text, _ = asterisks_restored(line, defined=frozenset(names), known=frozenset((*names, *known)))
    return text


@pytest.mark.parametrize(
    ("line", "names", "text"),
    [
        ("v = uu", ("u",), "v = u*u"),
        ("cube = vu", ("u", "v"), "cube = v*u"),
        ("v = uuu", ("u",), "v = u*u*u"),
        ("total = lossweight", ("loss", "weight"), "total = loss*weight"),
        ("y = 2x + 1", ("x",), "y = 2*x + 1"),
        ("y = 0.5xx", ("x",), "y = 0.5*x*x"),
        ("noise = torch.randn(20)3", ("torch",), "noise = torch.randn(20)*3"),
        ("y = 0.75(t-9.5)", ("t",), "y = 0.75*(t-9.5)"),
        ("y = (a+b)a", ("a", "b"), "y = (a+b)*a"),
        ("loss = (uu).sum()", ("u",), "loss = (u*u).sum()"),
        ("loss = ((u-1)2).mean()", ("u",), "loss = ((u-1)**2).mean()"),
        ("v = u2 + 1", ("u",), "v = u**2 + 1"),
        ("v = u3 - 2u", ("u",), "v = u**3 - 2*u"),
        ("loss = (out4).sum()", ("out",), "loss = (out**4).sum()"),
    ],
)
def test_products_of_known_factors_get_their_asterisk_back(line: str, names: tuple[str, ...], text: str) -> None:
    assert restored(line, *names) == text


@pytest.mark.parametrize(
    "line",
    [
        "v = unknown",  # nothing says that it is a product
        "v = 'uu'",
        "v = u  # uu",
        "v = x.uu",
        "f(uu=1)",
        "uu(3)",
        "uu = 3",
        "v = 1e5 + 0x1F + 2j",
        "v = f(u)(u)",
        "v = u1 + u0",
        "v = x3 + x1",
    ],
)
def test_what_may_be_meant_as_it_stands_is_left_alone(line: str) -> None:
    assert restored(line, "u", "x", "f", "x1") == line


def test_a_name_that_is_bound_anywhere_is_never_split() -> None:
    assert restored("v = uu", "u", known=("uu",)) == "v = uu"


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("layer = nn.Linear(n, n)", ("n",)),
        ("class Tower(nn.Module):", ("n",)),
        ("h = nn.functional.relu(nn.Linear(n, 1)(v))", ("n", "v")),
        ("a = np.zeros(n + p)", ("n", "p")),
        ("plt.plot(p, l, t)", ("p", "l", "t")),
        ("table = pd.DataFrame(p)", ("p", "d")),
        ("os.environ", ("o", "s")),
        ("for l in layers:", ("i", "n", "layers")),
        ("total = sum(q for q in parts if q is not n)", ("i", "n", "f", "s", "o", "t", "parts")),
        ("a = torch.ones(n, dtype=int)", ("i", "n", "t", "torch")),
    ],
)
def test_the_short_name_of_a_module_and_the_words_of_python_are_no_product(line: str, names: tuple[str, ...]) -> None:
    assert restored(line, *names) == line


def test_letters_of_a_module_without_an_attribute_are_a_product() -> None:
    assert restored("size = nn + 2np", "n", "p") == "size = n*n + 2*n*p"


def test_a_name_with_two_readings_is_not_split() -> None:
    assert restored("v = aab", "a", "ab", "aa", "b") == "v = aab"


def test_every_restored_product_is_reported() -> None:
    _, found = asterisks_restored("w = uu + 2u", defined=frozenset("u"), known=frozenset("uw"))

    assert found == (Restored(original="uu", restored="u*u"), Restored(original="2u", restored="2*u"))
