"""What one run leaves must not be there for the next, nor for one beside it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.domain.run import Outcome, Run
from bot.sandbox import Order, jail
from bot.sandbox.client import JailedSandbox
from tests.attacks.attack import LIMITS
from tests.attacks.conftest import SETTINGS
from tests.attacks.memory import looking_for, secret

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

#: What one run leaves behind, and what the next prints when it finds nothing of it.
LEFT = {
    "a file": ("open('left', 'w').write('x')", "import os\nprint(os.listdir('.'))", "[]\n"),
    "a file in the temporary folder": (
        "import tempfile\ntempfile.NamedTemporaryFile(delete=False).write(b'x')",
        "import os, tempfile\nprint(os.listdir(tempfile.gettempdir()))",
        "[]\n",
    ),
    "a full folder": (
        "try:\n    for n in range(100): open(f'{n}', 'wb').write(b'a' * (1 << 20))\nexcept OSError: pass",
        "open('x', 'wb').write(b'a' * (8 << 20))\nprint('room')",
        "room\n",
    ),
    "an environment variable": (
        "import os\nos.environ['LEFT'] = 'x'\nos.putenv('LEFT2', 'x')",
        "import os\nprint(sorted(os.environ))",
        "['HOME', 'OMP_NUM_THREADS', 'PATH', 'TMPDIR']\n",
    ),
    "a module": (
        "import sys, types\nsys.modules['left'] = types.ModuleType('left')",
        "import sys\nprint('left' in sys.modules)",
        "False\n",
    ),
    "an attribute of torch": (
        "import torch\ntorch.left = 1",
        "import torch\nprint(hasattr(torch, 'left'))",
        "False\n",
    ),
    "a patched method": (
        "import torch\ntorch.Tensor.sum = lambda self: 'patched'",
        "import torch\nprint(torch.ones(2).sum().item())",
        "2.0\n",
    ),
    "a patched builtin": (
        "import builtins\nbuiltins.abs = lambda x: 42",
        "print(abs(0))",
        "0\n",
    ),
    "the default type": (
        "import torch\ntorch.set_default_dtype(torch.float64)",
        "import torch\nprint(torch.ones(1).dtype)",
        "torch.float32\n",
    ),
    "gradients switched off": (
        "import torch\ntorch.set_grad_enabled(False)",
        "import torch\nprint(torch.is_grad_enabled())",
        "True\n",
    ),
    "the working folder": ("import os\nos.mkdir('d')\nos.chdir('d')", "import os\nprint(os.getcwd())", "/tmp\n"),
    "the mask of new files": ("import os\nos.umask(0o777)", "import os\nprint(oct(os.umask(0)))", "0o22\n"),
    "a search path": ("import sys\nsys.path.insert(0, '/left')", "import sys\nprint('/left' in sys.path)", "False\n"),
    "a signal handler": (
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "import signal\nprint(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)",
        "True\n",
    ),
    "an exit handler": ("import atexit\natexit.register(print, 'left')", "print('clean')", "clean\n"),
    "a thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
        "import threading\nprint(threading.active_count())",
        "1\n",
    ),
    "plot settings": (
        "import matplotlib\nmatplotlib.rcParams['lines.linewidth'] = 77",
        "import matplotlib\nprint(matplotlib.rcParams['lines.linewidth'])",
        "1.5\n",
    ),
    "a figure": (
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])",
        "import matplotlib.pyplot as plt\nprint(plt.get_fignums())",
        "[]\n",
    ),
    "a warnings filter": (
        "import warnings\nwarnings.simplefilter('error')",
        "import warnings\nwarnings.warn('x')\nprint('went on')",
        "went on\n",
    ),
    "a trace function": (
        "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)",
        "import sys\nprint(sys.gettrace(), sys.getprofile())",
        "None None\n",
    ),
    "a recursion limit": (
        "import sys\nsys.setrecursionlimit(77777)",
        "import sys\nprint(sys.getrecursionlimit())",
        "1000\n",
    ),
    "cached source lines": (
        "import linecache\nlinecache.cache['x'] = (1, None, ['left'], 'x')",
        "import linecache\nprint('x' in linecache.cache)",
        "False\n",
    ),
    "a descriptor": (
        "import os\nos.dup(1)",
        "import os\nfound = []\nfor n in range(64):\n"
        "    try: os.fstat(n); found.append(n)\n    except OSError: pass\nprint(found)",
        "[0, 1, 2, 3]\n",
    ),
    "saved tensors": (
        "import torch\ntorch.save(torch.ones(2), 'x.pt')",
        "import os\nprint(os.path.exists('x.pt'))",
        "False\n",
    ),
}

RANDOM = """
import random, numpy, torch
print(random.random(), numpy.random.rand(), torch.rand(1).item(), hash('autograd'))
"""


@pytest.mark.parametrize("what", LEFT)
def test_the_next_run_does_not_find(what: str, run: Callable[..., Run], still_good: None) -> None:
    leave, look, prints = LEFT[what]

    assert run(leave).outcome is Outcome.FINISHED
    for _ in range(2):  # one that waited while the first ran, and one that was made after it
        found = run(look)
        assert (found.outcome, found.stdout) == (Outcome.FINISHED, prints), found.error


def test_the_same_seed_gives_the_same_numbers_in_every_run(run: Callable[..., Run]) -> None:
    first = run(RANDOM).stdout
    run("import random, torch\nrandom.random(), torch.rand(5)")

    assert first == run(RANDOM).stdout != ""
    assert first.split()[:3] != run(RANDOM, seed=1).stdout.split()[:3]


def test_a_fresh_fork_server_gives_the_same_numbers(run: Callable[..., Run], made_of: jail.Parts) -> None:
    with JailedSandbox(SETTINGS, made_of=made_of) as fresh:
        assert fresh.run(Order(code=RANDOM, tape=False, limits=LIMITS)).stdout == run(RANDOM).stdout != ""


def test_memory_holds_nothing_of_the_code_that_ran_before(run: Callable[..., Run], still_good: None) -> None:
    marker = secret()
    for _ in range(4):
        assert run(f"text = {marker!r} * 50\nprint(len(text))").outcome is Outcome.FINISHED

    found = run(looking_for(marker), seconds=10)

    assert found.outcome is Outcome.FINISHED, found.error
    pages, hits = map(int, found.stdout.split())
    assert pages > 10_000
    assert hits == 0


def test_the_search_of_memory_finds_what_is_there(run: Callable[..., Run]) -> None:
    """So that the test above does not pass because it looks in the wrong place."""
    marker = secret()

    found = run(f"planted = {marker!r} * 50\n" + looking_for(marker), seconds=10)

    assert int(found.stdout.split()[1]) > 0


def test_two_runs_at_once_do_not_see_each_other(made_of: jail.Parts) -> None:
    code = """
import os, time
open(str(os.getpid()) + NAME, 'w').close()
time.sleep(0.5)
print(len(os.listdir('.')), os.getpid(), end=' ')
try:
    os.kill(-1, 9)
except OSError as error:
    print(type(error).__name__)
"""
    settings = SETTINGS.model_copy(update={"workers": 2})
    with JailedSandbox(settings, made_of=made_of) as sandbox, ThreadPoolExecutor(2) as both:
        orders = [Order(code=code.replace("NAME", repr(name)), tape=False, limits=LIMITS) for name in ("a", "b")]
        ran = list(both.map(sandbox.run, orders))

    assert [one.outcome for one in ran] == [Outcome.FINISHED] * 2
    assert {one.stdout for one in ran} == {"1 2 ProcessLookupError\n"}


def test_the_host_has_no_name_and_no_users(run: Callable[..., Run]) -> None:
    ran = run("""
import os, socket
print(socket.gethostname())
try:
    os.path.expanduser('~root') == '~root' and print('nobody is known')
except KeyError:
    pass
""")

    assert ran.stdout == "jail\nnobody is known\n"
