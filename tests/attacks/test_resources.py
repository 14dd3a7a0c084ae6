"""Using up what there is: memory, processes, time, output, files, descriptors."""

from collections.abc import Callable

import pytest

from bot.domain.run import Outcome, Run
from tests.attacks.attack import CALL, LONG, MEMORY_MIB, SHORT, Attack, harmless

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

SIGABRT, SIGKILL, SIGSEGV = 6, 9, 11

MEMORY = [
    Attack(name="one huge bytes object", code="x = b'a' * (50 << 30)", outcome=Outcome.OUT_OF_MEMORY),
    Attack(
        name="one huge tensor",
        code="import torch\nx = torch.ones(50 << 28)",
        outcome=Outcome.OUT_OF_MEMORY,
    ),
    Attack(
        name="bit by bit", code="parts = []\nwhile True: parts.append(b'a' * (8 << 20))", outcome=Outcome.OUT_OF_MEMORY
    ),
    Attack(
        name="tensor by tensor",
        code="import torch\nparts = []\nwhile True: parts.append(torch.ones(1 << 21))",
        outcome=Outcome.OUT_OF_MEMORY,
    ),
    Attack(
        name="a graph that is never freed",
        code="import torch\nx = torch.ones(1 << 18, requires_grad=True)\nwhile True: x = x.exp()",
        outcome=Outcome.OUT_OF_MEMORY,
    ),
    *(
        Attack(name=f"many small {what}", code=code, outcome=Outcome.OUT_OF_MEMORY, error=error, exit_status=0)
        for what, code, error in (
            ("lists", "kept = []\nwhile True: kept.append([1.5 + len(kept)])", "MemoryError"),
            ("dicts", "kept = {}\nwhile True: kept[len(kept)] = {len(kept): str(len(kept)) * 20}", "MemoryError"),
            ("texts", "kept = []\nwhile True: kept.append(str(len(kept)) * 9)", "MemoryError"),
            ("arrays of bytes", "kept = []\nwhile True: kept.append(bytearray(1000))", "MemoryError"),
            ("tensors", "import torch\nkept = []\nwhile True: kept.append(torch.ones(2000))", "RuntimeError"),
            (
                "graphs",
                "import torch\nx = torch.ones(300, 300, requires_grad=True)\nt = 0\nwhile True: t = t + (x @ x).sin()",
                "RuntimeError",
            ),
            (
                "rests",
                "kept, size = [], 1 << 20\nwhile size >= 16:\n    try: kept.append(bytearray(size))\n    except MemoryError: size //= 2\nkept.append(bytearray(1 << 20))",
                "MemoryError",
            ),
        )
    ),
    Attack(
        name="catching every MemoryError",
        code="parts = []\nwhile True:\n    try:\n        parts.append(b'a' * (8 << 20))\n    except MemoryError: pass",
        outcome=Outcome.TIMED_OUT,
    ),
    Attack(
        name="a small list of big integers",
        code="x = 10\nwhile True: x = x * x",
        outcome=Outcome.TIMED_OUT,
    ),
    harmless(
        "shared memory beyond the limit",
        CALL + f"import mmap\nerrno_of(lambda: mmap.mmap(-1, {(MEMORY_MIB + 64) << 20}))",
        "ENOMEM\n",
    ),
    harmless(
        "private memory beyond the limit",
        CALL + f"import mmap\nerrno_of(lambda: mmap.mmap(-1, {(MEMORY_MIB + 64) << 20}, flags=mmap.MAP_PRIVATE))",
        "ENOMEM\n",
    ),
    harmless("a file in memory alone", CALL + "errno_of(lambda: os.memfd_create('x'))", "EPERM\n"),
    harmless(
        "shared memory of the system",
        CALL + "errno_of(lambda: open('/dev/shm/x', 'w'))",
        "ENOENT\n",
    ),
    harmless("locked memory", CALL + "print(libc.mlock(ctypes.create_string_buffer(4096), 4096))", "-1\n"),
    harmless(
        "raising its own limits",
        "import resource\n"
        "for what in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC):\n"
        "    try:\n"
        "        resource.setrlimit(what, (1 << 40, 1 << 40))\n"
        "    except (ValueError, OSError) as error:\n"
        "        print(type(error).__name__)\n",
        "ValueError\n" * 4,
    ),
]

PROCESSES = [
    harmless("fork", CALL + "errno_of(os.fork)", "EPERM\n"),
    harmless(
        "a fork bomb",
        "import os\nmade = 0\nfor _ in range(1000):\n"
        "    try:\n        os.fork(); made += 1\n    except OSError: pass\nprint(made)",
        "0\n",
    ),
    harmless("posix_spawn", CALL + "errno_of(lambda: os.posix_spawn('/env/bin/python3', ['python3'], {}))", "EPERM\n"),
    harmless(
        "becoming another program", CALL + "errno_of(lambda: os.execv('/env/bin/python3', ['python3']))", "EPERM\n"
    ),
    Attack(name="subprocess", code="import subprocess\nsubprocess.run(['ls'])", outcome=Outcome.UNSUPPORTED),
    Attack(
        name="multiprocessing",
        code="import multiprocessing\np = multiprocessing.Process(target=print)\np.start()",
        outcome=Outcome.UNSUPPORTED,
    ),
    harmless(
        "a bomb of threads",
        "import threading, time\nmade = 0\n"
        "try:\n"
        "    while True:\n"
        "        threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); made += 1\n"
        "except RuntimeError as error:\n"
        "    print(error, made <= 16)\n",
        "can't start new thread True\n",
    ),
    harmless("a terminal of its own", CALL + "errno_of(os.forkpty)", "ENOENT\n"),
    harmless(
        "asking for more of the processor",
        CALL + "errno_of(lambda: os.nice(-5))\nerrno_of(lambda: os.sched_setscheduler(0, 1, os.sched_param(1)))",
        "EPERM\nEPERM\n",
    ),
]

TIME = [
    Attack(name="spinning", code="while True: pass", outcome=Outcome.TIMED_OUT, exit_status=0),
    Attack(
        name="spinning and catching everything",
        code="while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        outcome=Outcome.TIMED_OUT,
    ),
    Attack(
        name="spinning and ignoring the processor limit",
        code="import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
        limit="cpu",
        seconds=LONG,
        exit_status=0,
        outcome=Outcome.TIMED_OUT,
    ),
    Attack(
        name="spinning, ignoring the processor limit and keeping the interpreter for itself",
        code="import re, signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nre.match('(a+)+$', 'a' * 64 + 'b')",
        limit="cpu",
        seconds=LONG,
        signal=SIGKILL,
        outcome=Outcome.TIMED_OUT,
    ),
    Attack(
        name="a regular expression that holds the interpreter",
        code="import re\nre.match('(a+)+$', 'a' * 64 + 'b')",
        outcome=Outcome.TIMED_OUT,
    ),
    Attack(name="a number that takes for ever to make", code="x = 7 ** (10 ** 9)", outcome=Outcome.TIMED_OUT),
    Attack(
        name="sleeping", code="import time\ntime.sleep(1000)", limit="wall", seconds=SHORT, outcome=Outcome.TIMED_OUT
    ),
    Attack(
        name="ignoring every signal and sleeping",
        code="import signal, time\n"
        "for number in signal.valid_signals() - {9, 19}:\n"
        "    try: signal.signal(number, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "while True: time.sleep(1)",
        limit="wall",
        seconds=SHORT,
        exit_status=0,
        outcome=Outcome.TIMED_OUT,
    ),
    Attack(
        name="catching the warning and going on",
        code="import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException: pass",
        limit="wall",
        seconds=SHORT,
        exit_status=0,
        outcome=Outcome.TIMED_OUT,
    ),
    Attack(
        name="stopping itself",
        code="import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
        limit="wall",
        seconds=SHORT,
        signal=SIGKILL,
        outcome=Outcome.TIMED_OUT,
    ),
    Attack(
        name="a deadlock",
        code="import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        limit="wall",
        seconds=SHORT,
        outcome=Outcome.TIMED_OUT,
    ),
    Attack(
        name="blocking all signals in a native call",
        code="import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\nsignal.pause()",
        limit="wall",
        seconds=SHORT,
        exit_status=0,
        outcome=Outcome.TIMED_OUT,
    ),
    Attack(
        name="blocking all signals in a native call that keeps the interpreter for itself",
        code="import ctypes, signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
        "ctypes.PyDLL(None).pause()",
        limit="wall",
        seconds=SHORT,
        signal=SIGKILL,
        outcome=Outcome.TIMED_OUT,
    ),
    Attack(
        name="a thread that is left spinning",
        code="import threading\ndef spin():\n    while True: pass\nthreading.Thread(target=spin).start()",
        outcome=Outcome.TIMED_OUT,
    ),
    Attack(
        name="waiting for input that never comes", code="input()", outcome=Outcome.RAISED, error="EOFError", within=0.5
    ),
    Attack(
        name="an end that never comes",
        code="import atexit, time\natexit.register(time.sleep, 1000)\nprint('end')",
        prints="end\n",
        outcome=Outcome.FINISHED,
        within=0.5,
    ),
]

OUTPUT = [
    Attack(
        name="a flood on standard output",
        code="while True: print('a' * 1000)",
        limit="output",
        signal=SIGKILL,
        outcome=Outcome.REFUSED,
        within=1.0,
    ),
    Attack(
        name="a flood on standard error",
        code="import sys\nwhile True: print('a' * 1000, file=sys.stderr)",
        limit="output",
        signal=SIGKILL,
        outcome=Outcome.REFUSED,
        within=1.0,
    ),
    Attack(
        name="a flood without an end of line",
        code="import os\nwhile True: os.write(1, b'a' * 4096)",
        limit="output",
        signal=SIGKILL,
        outcome=Outcome.REFUSED,
        within=1.0,
    ),
    Attack(
        name="a flood from a thread after the end",
        code="import os, threading\ndef flood():\n    while True: os.write(1, b'a' * 4096)\n"
        "threading.Thread(target=flood).start()",
        limit="output",
        signal=SIGKILL,
        outcome=Outcome.REFUSED,
        within=1.0,
    ),
    Attack(
        name="a flood on the claim's pipe",
        code="import os\nwhile True: os.write(3, b'a' * 4096)",
        limit="claim",
        signal=SIGKILL,
        outcome=Outcome.REFUSED,
        within=1.0,
    ),
    Attack(
        name="one huge print",
        code="print('a' * (4 << 20))",
        limit="output",
        outcome=Outcome.REFUSED,
        within=1.0,
    ),
    Attack(
        name="echoes without end",
        code="x = 'a' * 100000\n" + "x\n" * 400,
        outcome=Outcome.FINISHED,
        prints="",
    ),
]

FILES = [
    harmless(
        "filling its folder",
        CALL
        + "def fill():\n    for n in range(100):\n        open(f'f{n}', 'wb').write(b'a' * (1 << 20))\nerrno_of(fill)",
        "ENOSPC\n",
    ),
    harmless(
        "more files than it may have",
        CALL + "def fill():\n    for n in range(5000): open(f'f{n}', 'w').close()\nerrno_of(fill)",
        "ENOSPC\n",
    ),
    harmless(
        "folders within folders",
        CALL + "def fill():\n    for n in range(5000):\n        os.mkdir('d'); os.chdir('d')\nerrno_of(fill)",
        "ENOSPC\n",
    ),
    harmless(
        "a sparse file of a TiB",
        CALL + "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "errno_of(lambda: os.truncate(os.open('x', os.O_CREAT | os.O_RDWR), 1 << 40))",
        "EFBIG\n",
    ),
    harmless(
        "room set aside",
        CALL + "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "errno_of(lambda: os.posix_fallocate(os.open('x', os.O_CREAT | os.O_RDWR), 0, 1 << 34))",
        "EFBIG\n",
    ),
    harmless(
        "more descriptors than it may have",
        CALL + "def fill():\n    while True: os.dup(0)\nerrno_of(fill)",
        "EMFILE\n",
    ),
    harmless(
        "wide pipes",
        CALL + "import fcntl\nerrno_of(lambda: fcntl.fcntl(os.pipe()[1], 1031, 1 << 20))",
        "EPERM\n",
    ),
    harmless("a named pipe", CALL + "errno_of(lambda: os.mkfifo('x'))", "EPERM\n"),
    harmless("a device", CALL + "errno_of(lambda: os.mknod('x', 0o60600, 0x800))", "EPERM\n"),
    harmless("a link to a secret", CALL + "errno_of(lambda: os.symlink('/etc/shadow', 'x'))", "EPERM\n"),
    harmless("a hard link", CALL + "open('a', 'w').close()\nerrno_of(lambda: os.link('a', 'b'))", "EPERM\n"),
]

OUTSIDE = [
    harmless(
        f"writing to {path}",
        CALL + f"errno_of(lambda: open({path!r}, 'w'))",
        f"{expected}\n",
    )
    for path, expected in (
        ("/x", "EROFS"),
        ("/env/x", "EROFS"),
        ("/env/site-packages/torch/__init__.py", "EROFS"),
        ("/harness/inside/program.py", "EROFS"),
        ("/dev/x", "EROFS"),
        ("/proc/x", "EROFS"),
        ("/usr/lib/x", "EROFS"),
    )
] + [
    harmless(f"reading {path}", CALL + f"errno_of(lambda: os.listdir({path!r}))", "ENOENT\n")
    for path in ("/etc", "/root", "/home", "/var", "/run", "/sys", "/work", "/usr/bin", "/bin", "/boot", "/dev/shm")
]

ENDS = [
    Attack(
        name="reading address zero",
        code="import ctypes\nctypes.string_at(0)",
        signal=SIGSEGV,
        outcome=Outcome.REFUSED,
    ),
    Attack(name="aborting", code="import os\nos.abort()", signal=SIGABRT, outcome=Outcome.REFUSED),
    Attack(
        name="a stack without end",
        code="import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(_): return max([0], key=f)\nf(0)",
        signal=SIGSEGV,
        outcome=Outcome.REFUSED,
    ),
    Attack(
        name="killing itself",
        code="import os\nos.kill(os.getpid(), 9)",
        signal=SIGKILL,
        outcome=Outcome.REFUSED,
    ),
    Attack(name="leaving without a word", code="import os\nos._exit(7)", exit_status=7, outcome=Outcome.REFUSED),
]


@pytest.mark.parametrize(
    "attack", MEMORY + PROCESSES + TIME + OUTPUT + FILES + OUTSIDE + ENDS, ids=lambda attack: attack.name
)
def test_the_limit_holds_against(attack: Attack, must_hold: Callable[[Attack], Run]) -> None:
    must_hold(attack)


def test_output_beyond_the_limit_is_cut_and_said_to_be(must_hold: Callable[[Attack], Run]) -> None:
    ran = must_hold(OUTPUT[0])

    assert ran.output_cut
    assert ran.facts.stdout_bytes == 64 << 10


def test_a_run_that_is_stopped_still_tells_how_far_it_came(run: Callable[..., Run], still_good: None) -> None:
    ran = run(seconds=SHORT, code="import time\nprint('first')\nx = 1\nx\ntime.sleep(1000)\n")

    assert ran.outcome is Outcome.TIMED_OUT
    assert ran.stdout == "first\n"
    assert [echo.text for echo in ran.echoes] == ["1"]
    assert ran.facts.signal is None  # it reported by itself, within the grace time


def test_a_training_loop_without_end_tells_how_far_it_came(run: Callable[..., Run], still_good: None) -> None:
    """It uses up the processor's limit and is warned, as by the clock."""
    ran = run(
        "import torch\nw = torch.ones(2, requires_grad=True)\nstep = 0\nstep\n"
        "while True:\n    (w * w).sum().backward()\n    step += 1\n"
    )

    assert ran.outcome is Outcome.TIMED_OUT
    assert ran.facts.signal is None
    assert [echo.text for echo in ran.echoes] == ["0"]
