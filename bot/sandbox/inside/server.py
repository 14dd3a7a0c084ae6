"""The fork server: imports torch once, then makes a locked-down child for each run.

It never sees a snippet. A request names only limits and brings the descriptors that belong to the run;
the code itself goes by pipe from the driver to the child alone.

    driver ──control──▶ server ──fork──▶ child (locks itself in, then runs the snippet)
       ▲                  │ status          │ stdout, stderr, claim
       └──────────────────┴─────────────────┘
"""

from __future__ import annotations

import array
import contextlib
import functools
import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from inside import child, kernel

#: First process of a run's pid namespace: when it ends, the kernel ends every other one in there.
FIRST_PROCESS = "/harness/pause"
#: Descriptors that come with a request: code, stdout, stderr, claim and status.
PER_RUN = 5
#: Of torch's own, out of what a run may start (`child.THREADS`).
MOST_THREADS = 8
LARGEST_REQUEST = 4096


def main(control_file: int, filter_file: int, notice_file: int) -> None:
    """Serve until the driver closes the control socket."""
    gc.disable()  # what is imported stays; looking for rubbish in it costs half a second
    _forget_the_callers_signals()
    _own_the_pid_namespace()
    control = socket.socket(fileno=control_file)
    filter_program, notice_program = _read_all(filter_file), _read_all(notice_file)
    control.send(b"hello")  # the kernel tells the driver who sent this, in the driver's own numbers
    control.recv(16)  # it has put us into a cgroup, where there is one
    import_everything()
    locks = child.Locks(kernel.address_space(), filter_program, notice_program)
    _assert_single_thread()
    gc.freeze()
    control.send(b"ready")
    _Server(control, locks).serve()


@dataclass(frozen=True)
class _Run:
    """A child that was made, and the first process of its namespace."""

    child: int
    first: int
    status: socket.socket


class _Server:
    def __init__(self, control: socket.socket, locks: child.Locks) -> None:
        self._control = control
        self._locks = locks
        self._own_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self._runs: dict[int, _Run] = {}  # by pidfd of the child
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._scattered = kernel.scattered_memory()

    def serve(self) -> None:
        """Make children and report their ends; while nobody asks, make the next forks quicker."""
        while True:
            news = self._poll.poll(0 if self._scattered else None)
            if not news:
                kernel.collapse(self._scattered.pop())
            for file, _ in news:
                if file != self._control.fileno():
                    self._ended(file)
                elif not self._make_child():
                    return

    def _make_child(self) -> bool:
        """Take one request; False when the driver has hung up."""
        message, files = _receive(self._control)
        if not message:
            return False
        status = socket.socket(fileno=files.pop())
        try:
            self._fork(json.loads(message), files, status)
        except OSError as error:
            _tell(status, {"failed": str(error)})
            status.close()
        for file in files:
            os.close(file)
        return True

    def _fork(self, request: dict[str, Any], files: list[int], status: socket.socket) -> None:
        kernel.unshare(kernel.CLONE_NEWPID)  # of the children to come
        first = os.posix_spawn(FIRST_PROCESS, [FIRST_PROCESS], {})
        try:
            runner = kernel.fork()
            if runner == 0:
                files = [*files, status.detach()]
                child.become(files, request=request, locks=self._locks)
        except OSError:
            _end(first)
            raise
        finally:
            kernel.enter_pid_namespace(self._own_namespace)
        handles = array.array("i", [os.pidfd_open(runner), os.pidfd_open(first)])
        self._runs[handles[0]] = _Run(runner, first, status)
        self._poll.register(handles[0], select.POLLIN)
        with contextlib.suppress(OSError):  # the driver gave this run up
            status.sendmsg([b'{"handles": 2}'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handles)])
        os.close(handles[1])

    def _ended(self, handle: int) -> None:
        """Report how a child ended, as the kernel tells it, and end what it left in its namespace."""
        run = self._runs.pop(handle)
        self._poll.unregister(handle)
        os.close(handle)
        _, ending, usage = os.wait4(run.child, 0)
        signalled = os.WIFSIGNALED(ending)
        report = {
            "exit_status": None if signalled else os.WEXITSTATUS(ending),
            "signal": os.WTERMSIG(ending) if signalled else None,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_kib": usage.ru_maxrss,
        }
        with run.status:
            _tell(run.status, report)
        _end(run.first)


def _end(first: int) -> None:
    """End the first process of a namespace, and with it whatever else is in there."""
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)


def _tell(status: socket.socket, report: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the driver gave this run up
        status.send(json.dumps(report).encode())


def import_everything() -> None:
    """Import and warm all that a first use would otherwise load in every child."""
    # Without its list of fonts matplotlib would look for them, which takes as long as importing it.
    shutil.copytree("/env/matplotlib", os.environ["MPLCONFIGDIR"])
    import matplotlib

    matplotlib.use("Agg")
    import numpy

    sys.meta_path.insert(0, _OneProcess())
    import torch
    from matplotlib import pyplot  # noqa: F401

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    numpy.random.seed(0)
    # Seeding also queues seedings of devices, with the source lines of its whole stack. There are none here.
    for device in (torch.cuda, torch.xpu, torch.mtia):
        device.manual_seed_all = _nothing_to_seed
    torch.manual_seed(0)
    torch.compile = _no_compiler
    torch.set_num_threads = functools.partial(_few_threads, torch.set_num_threads)
    torch.distributed.is_initialized = _never  # what programs ask that may also run in several processes
    print(torch.ones(2, 2) @ torch.ones(2, 2))
    import_what_comes_late()
    from inside import claim, program  # noqa: F401 - children find them imported


class _OneProcess:
    """Lets torch find that it was built without `torch.distributed`, as some builds are: a tenth of the start is spent on it.

    No snippet could use it, for it needs other processes or the network.
    """

    _BUILT_WITH = ("_c10d_init", "_rpc_init", "_dist_autograd_init", "_faulty_agent_init")

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """Called before each import; finds nothing itself."""
        if name == "torch.distributed":
            sys.meta_path.remove(self)
            for built_with in self._BUILT_WITH:
                vars(sys.modules["torch._C"]).pop(built_with, None)


def _nothing_to_seed(seed: int) -> None:
    """Stands for the seeding of a device that is not there."""


def _never() -> bool:
    return False


def _few_threads(set_number: Callable[[int], None], number: int) -> None:
    """Use as many threads as a run may start beside its own: with more, OpenMP would end the process."""
    set_number(min(number, MOST_THREADS) if isinstance(number, int) else number)


def _no_compiler(*_: Any, **__: Any) -> NoReturn:
    """Say at once what torch.compile would find out after many seconds."""
    raise RuntimeError("No working C++ compiler: torch.compile needs one, and the sandbox has none.")


def import_what_comes_late() -> None:
    """Do what makes torch and matplotlib import more: optimizers bring torch._dynamo at their first step.

    No backward here: a build with device threads would start them, and no child could use the engine.
    """
    import torch
    import torch._subclasses.schema_check_mode  # by the first DataLoader
    from matplotlib import font_manager, pyplot

    for maker in (torch.optim.SGD, torch.optim.Adam):
        parameter = torch.nn.Parameter(torch.ones(2))
        parameter.grad = torch.ones(2)
        optimizer = maker([parameter], lr=0.1)
        optimizer.step()
        optimizer.zero_grad()
    figure = pyplot.figure(figsize=(1, 1))
    figure.add_subplot().plot([0, 1], [0, 1])
    figure.savefig(os.devnull, format="png")
    pyplot.close("all")
    # Each font keeps a file open, whose place the children would share.
    font_manager._get_font.cache_clear()  # type: ignore[attr-defined]


def _forget_the_callers_signals() -> None:
    """What the driver's caller ignored or blocked was inherited through bubblewrap."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGCHLD, signal.SIGUSR1, signal.SIGXCPU, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver's Ctrl-C is the driver's business


def _own_the_pid_namespace() -> None:
    """Go on as a process that may make pid namespaces for its children; this one waits for it."""
    user, group = os.getuid(), os.getgid()
    kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID)
    kernel.be_one_user(user, group)
    inner = os.fork()
    if inner != 0:
        os.waitpid(inner, 0)
        os._exit(0)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)


def _assert_single_thread() -> None:
    """A second thread does not survive a fork, and what it held locked stays locked."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    threads = next(line for line in lines if line.startswith("Threads:")).split()[1]
    if threads != "1":
        raise RuntimeError(f"the fork server has {threads} threads; it must have one")


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    files = array.array("i")
    message, ancillary, flags, _ = control.recvmsg(
        LARGEST_REQUEST, socket.CMSG_SPACE(PER_RUN * files.itemsize), socket.MSG_CMSG_CLOEXEC
    )
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            files.frombytes(data[: len(data) - len(data) % files.itemsize])
    if message and (len(files) != PER_RUN or flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC)):
        raise RuntimeError("a request came without its descriptors")
    return message, list(files)


def _read_all(file: int) -> bytes:
    with os.fdopen(file, "rb") as reader:
        return reader.read()
