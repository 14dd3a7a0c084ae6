"""Not safety: a program must run in the jail as it would in a notebook, or say what it may not have."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.domain.run import Outcome, Run
from tests.attacks.attack import Attack

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

FINE = {
    "a traceback has the line and the source": (
        "def f():\n    raise ValueError('x')\ntry:\n    f()\nexcept ValueError:\n"
        "    import traceback\n    print(traceback.format_exc().splitlines()[-2].strip())",
        "raise ValueError('x')\n",
    ),
    "a thread is waited for": (
        "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(0.1), print('from the thread'))).start()\nprint('first')",
        "first\nfrom the thread\n",
    ),
    "a pool of threads works": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool: print(list(pool.map(abs, [-1, -2])))",
        "[1, 2]\n",
    ),
    "the main guard is entered": ("if __name__ == '__main__':\n    print('main')", "main\n"),
    "an exit is an end": ("print('a')\nraise SystemExit(0)\nprint('b')", "a\n"),
    "quitting is an end": ("print('a')\nimport sys\nsys.exit()", "a\n"),
    "output keeps its order": (
        "import sys\nprint('a')\nsys.stdout.write('b\\n')\nsys.stdout.flush()\nprint('c')",
        "a\nb\nc\n",
    ),
    "Chinese is printed": ("print('梯度', '的', '形状')", "梯度 的 形状\n"),
    "files in the own folder": (
        "open('a.txt', 'w').write('x')\nimport shutil\nshutil.copy('a.txt', 'b.txt')\nprint(open('b.txt').read())",
        "x\n",
    ),
    "saving and loading": (
        "import torch\ntorch.save({'w': torch.ones(2)}, 'm.pt')\nprint(torch.load('m.pt')['w'].tolist())",
        "[1.0, 1.0]\n",
    ),
    "pickling a class of its own": (
        "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))).__name__)",
        "A\n",
    ),
    "dataclasses": ("import dataclasses\n@dataclasses.dataclass\nclass A:\n    x: int\nprint(A(1).x)", "1\n"),
    "an optimizer": (
        "import torch\nw = torch.ones(1, requires_grad=True)\no = torch.optim.Adam([w], lr=0.5)\n"
        "(w * w).sum().backward()\no.step()\nprint(round(w.item(), 3))",
        "0.5\n",
    ),
    "a scheduler": (
        "import torch\no = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=1.0)\n"
        "s = torch.optim.lr_scheduler.StepLR(o, 1)\no.step()\ns.step()\nprint(round(o.param_groups[0]['lr'], 3))",
        "0.1\n",
    ),
    "a loader without workers": (
        "import torch\nfrom torch.utils import data\n"
        "for x, in data.DataLoader(data.TensorDataset(torch.arange(4)), batch_size=2): print(x.tolist())",
        "[0, 1]\n[2, 3]\n",
    ),
    "a network with every common layer": (
        "import torch\nfrom torch import nn\n"
        "net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(72, 2))\n"
        "nn.functional.cross_entropy(net(torch.rand(3, 1, 8, 8)), torch.tensor([0, 1, 1])).backward()\n"
        "print(net[0].weight.grad.shape)",
        "torch.Size([2, 1, 3, 3])\n",
    ),
    "a recurrent network": (
        "import torch\nfrom torch import nn\nout, h = nn.LSTM(2, 3)(torch.ones(4, 1, 2))\nout.sum().backward()\nprint(out.shape)",
        "torch.Size([4, 1, 3])\n",
    ),
    "linear algebra": ("import torch\nprint(torch.linalg.inv(torch.eye(2) * 2).tolist())", "[[0.5, 0.0], [0.0, 0.5]]\n"),
    "numpy": ("import numpy as np\nprint(np.linalg.norm(np.array([3.0, 4.0])))", "5.0\n"),
    "a plot": (
        "import matplotlib.pyplot as plt\nplt.plot([1, 2], label='a')\nplt.legend()\nplt.title('t')\n"
        "plt.savefig('p.png')\nimport os\nprint(os.path.getsize('p.png') > 1000)",
        "True\n",
    ),
    "four threads of torch": (
        "import torch\ntorch.set_num_threads(2)\nx = torch.rand(256, 256)\nprint((x @ x).shape)",
        "torch.Size([256, 256])\n",
    ),
    "more threads of torch than there may be": (
        "import torch\ntorch.set_num_threads(32)\nx = torch.rand(512, 512)\nprint((x @ x).shape)",
        "torch.Size([512, 512])\n",
    ),
    "a big tensor printed": ("import torch\nx = torch.arange(3_000_000)\nprint(x)", "tensor([      0,       1,       2,  ..., 2999997, 2999998, 2999999])\n"),
    "double backward": (
        "import torch\nx = torch.tensor(3.0, requires_grad=True)\ng, = torch.autograd.grad(x ** 3, x, create_graph=True)\n"
        "g.backward()\nprint(x.grad.item())",
        "18.0\n",
    ),
    "functional derivatives": (
        "import torch\nprint(torch.func.grad(lambda x: x ** 2)(torch.tensor(3.0)).item())",
        "6.0\n",
    ),
    "nested functions and globals": ("a = 1\ndef f():\n    global a\n    a += 1\nf()\nprint(a)", "2\n"),
    "random numbers of the system": ("import os, secrets\nprint(len(os.urandom(8)), len(secrets.token_bytes(4)))", "8 4\n"),
    "asking for several processes": (
        "import torch.distributed as dist\nprint(dist.is_available(), dist.is_initialized())", "False False\n",
    ),
    "a checkpoint and a loader": (
        "import torch\nfrom torch.utils.checkpoint import checkpoint\nfrom torch.utils.data import DataLoader\n"
        "x = torch.ones(2, requires_grad=True)\ncheckpoint(torch.exp, x, use_reentrant=False).log().sum().backward()\n"
        "print(x.grad.tolist(), list(DataLoader([1, 2], batch_size=2)))", "[1.0, 1.0] [tensor([1, 2])]\n",
    ),
    "time passes": ("import time\nt = time.time()\ntime.sleep(0.01)\nprint(time.time() - t >= 0.01)", "True\n"),
}  # fmt: skip

PROCESSES, WORKERS = "it starts processes", "it uses worker processes, which are not available in the sandbox"
NETWORK, GPU, COMPILER = "it needs the network", "it needs a GPU", "torch.compile needs a compiler"
SEVERAL = "it runs in several processes"
LOADER = "from torch.utils.data import DataLoader, TensorDataset\nfor x in DataLoader(TensorDataset(torch.arange(4)), num_workers=2{}): print(x)"
#: What a program asks for, and the reason that is given.
UNSUPPORTED = {
    "a shell command": ("import os\nos.popen('ls').read()", PROCESSES),
    "a subprocess": ("import subprocess\nsubprocess.check_output(['python', '-V'])", PROCESSES),
    "a fork": ("import os\nos.fork()", "it starts processes or uses the network"),
    "a fork that was caught": (
        "import os\ntry: os.fork()\nexcept OSError as error: raise RuntimeError('could not') from error",
        "it starts processes or uses the network",
    ),
    "a process pool": (
        "from concurrent.futures import ProcessPoolExecutor\nwith ProcessPoolExecutor() as p: list(p.map(abs, [1]))", WORKERS,
    ),
    "a pool of torch's": ("import torch.multiprocessing as mp\nwith mp.Pool(2) as p: p.map(abs, [1])", WORKERS),
    "a queue": ("import torch.multiprocessing as mp\nmp.Queue().put(1)", WORKERS),
    "spawned processes": ("import torch.multiprocessing as mp\ndef f(i): pass\nmp.spawn(f, nprocs=2)", WORKERS),
    "a loader with workers": ("import torch\n" + LOADER.format(""), WORKERS),
    "a loader with spawned workers": ("import torch\n" + LOADER.format(", multiprocessing_context='spawn'"), WORKERS),
    "shared memory": ("import torch\ntorch.ones(2).share_memory_()", WORKERS),
    "a download": ("import urllib.request\nurllib.request.urlopen('http://example.org')", NETWORK),
    "a file from the net": ("import urllib.request\nurllib.request.urlretrieve('http://example.org/a', 'a')", NETWORK),
    "a model from the net": ("import torch\ntorch.hub.load('pytorch/vision', 'resnet18')", NETWORK),
    "a socket": ("import socket\nsocket.create_connection(('127.0.0.1', 80))", NETWORK),
    "torch.compile": ("import torch\nf = torch.compile(lambda x: x * 2 + 1)\nprint(f(torch.ones(3)))", COMPILER),
    "the compiler by its old name": (
        "import torch, torch._dynamo\nprint(torch._dynamo.optimize('inductor')(lambda x: x * 2)(torch.ones(3)))", COMPILER,
    ),
    "C++": (
        "from torch.utils.cpp_extension import load_inline\nload_inline('x', cpp_sources='int f() {return 1;}', functions=['f'])",
        "it compiles C++, and the sandbox has no compiler",
    ),
    "a GPU": ("import torch\ntorch.ones(1).cuda()", GPU),
    "a GPU of Apple's": ("import torch\ntorch.ones(1, device='mps')", GPU),
    "several processes": ("import torch.distributed as dist\ndist.init_process_group('gloo', rank=0, world_size=1)", SEVERAL),
    "a model over several processes": (
        "import torch\nfrom torch.nn.parallel import DistributedDataParallel\nDistributedDataParallel(torch.nn.Linear(2, 2))",
        SEVERAL,
    ),
    "too many threads": (
        "import threading, time\nfor _ in range(40): threading.Thread(target=time.sleep, args=[9], daemon=True).start()",
        "it starts more threads than it may",
    ),
    "a file that the post does not bring": ("open('data.csv')", "it reads a file that the post does not bring"),
    "a module that is not there": ("import tensorflow", "it needs the module tensorflow, which the sandbox does not have"),
}  # fmt: skip
#: Errors that a program raises itself, in words that torch or Python would use; and one that only looks like another.
OWN = {
    "memory": "raise ValueError('index out of memory bounds of my list')",
    "the end of memory": "raise MemoryError('my own')",
    "memory in a RuntimeError": "raise RuntimeError('not enough memory cells')",
    "the network": "raise ValueError('HTTPError code must be int')",
    "a connection": "raise ConnectionError('lost')",
    "several processes": "def load(): raise RuntimeError('my own error about process group')\nload()",
    "a file": "raise FileNotFoundError('nothing chosen')",
    "a GPU": "assert False, 'Torch not compiled with CUDA enabled'",
    "a batch that does not fit": (
        "import torch\nfrom torch.utils.data import DataLoader\nlist(DataLoader([torch.ones(1), torch.ones(2)], batch_size=2))"
    ),
}


@pytest.mark.parametrize("what", FINE)
def test_this_works_as_elsewhere(what: str, run: Callable[..., Run]) -> None:
    code, prints = FINE[what]

    ran = run(code)

    assert (ran.outcome, ran.stdout) == (Outcome.FINISHED, prints), f"{ran.error} {ran.stderr}"


@pytest.mark.parametrize("what", UNSUPPORTED)
def test_this_is_unsupported_and_nobodys_mistake(what: str, run: Callable[..., Run], still_good: None) -> None:
    code, reason = UNSUPPORTED[what]

    ran = run(code)

    assert (ran.outcome, ran.reason) == (Outcome.UNSUPPORTED, reason), f"{ran.error} {ran.stderr}"


@pytest.mark.parametrize("what", OWN)
def test_what_a_program_raises_itself_is_its_own_error(what: str, run: Callable[..., Run]) -> None:
    ran = run(OWN[what])

    assert (ran.outcome, ran.reason) == (Outcome.RAISED, None)


def test_a_syntax_error_has_its_line(must_hold: Callable[[Attack], Run]) -> None:
    ran = must_hold(Attack(name="syntax", code="x = 1\ny = (", outcome=Outcome.RAISED, error="SyntaxError"))

    assert ran.error is not None
    assert ran.error.line == 2


def test_code_with_a_zero_byte_is_an_error_of_the_program(must_hold: Callable[[Attack], Run]) -> None:
    must_hold(Attack(name="zero", code="x = 1\0", outcome=Outcome.RAISED))


def test_a_warning_has_its_line(run: Callable[..., Run]) -> None:
    ran = run("import warnings\n\nwarnings.warn('careful')\nprint('on')")

    assert [(one.category, one.message, one.line) for one in ran.warnings] == [("UserWarning", "careful", 3)]
    assert ran.stdout == "on\n"


def test_an_exit_with_a_message_is_no_success(run: Callable[..., Run]) -> None:
    ran = run("import sys\nsys.exit('no data')")

    assert ran.outcome is Outcome.RAISED
    assert ran.error is not None
    assert (ran.error.type, ran.error.message) == ("SystemExit", "no data")


def test_no_code_at_all_runs_to_its_end(run: Callable[..., Run]) -> None:
    assert run("").outcome is Outcome.FINISHED


def test_an_interrupt_of_its_own_is_an_error(run: Callable[..., Run], still_good: None) -> None:
    ran = run("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(1)")

    assert ran.error is not None
    assert ran.error.type == "KeyboardInterrupt"
