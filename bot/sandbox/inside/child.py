"""Locks one process in for good, then reads an order, runs it and writes one claim.

Everything is dropped before the first byte of the order is read. Each step raises when it fails, and
then nothing is run.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import io
import json
import os
import resource
import signal
import socket
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from inside import kernel, reserve

CLAIM = 3
STATUS = 4
HOME = "/tmp"  # noqa: S108 - a tmpfs of this run alone
ENVIRONMENT = {"PATH": "/env/bin", "HOME": HOME, "TMPDIR": HOME, "OMP_NUM_THREADS": "1"}
OPEN_FILES = 64
THREADS = 16
WARM_UP = """
import torch
torch.manual_seed(0)
x = torch.arange(4.0, requires_grad=True).reshape(2, 2)
y = torch.mm(x.T, x).sum()
y.backward()
repr(x)
"""
_STRICT = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC


@dataclass(frozen=True)
class Locks:
    """What every child of a fork server is locked in with."""

    base: int  # bytes of address space that the fork server has
    filter_program: bytes
    notice_program: bytes


def become(files: list[int], *, request: dict[str, Any], locks: Locks) -> NoReturn:
    """Turn the calling process into a locked-down child and run the order it is given. Does not return.

    `files` are the descriptors of code, stdout, stderr, claim and status.
    """
    try:
        give_up_reserve = reserve.kept()
        _lock_in_and_say_so(files, request, locks)
        _run_the_order(give_up_reserve, ahead=request["ahead"])
    except BaseException:  # nothing may unwind into the fork server's code
        traceback.print_exc()
    finally:
        os._exit(1)


def _lock_in_and_say_so(files: list[int], request: dict[str, Any], locks: Locks) -> None:
    try:
        _descriptors(files)
        _lock_in(request, locks)
    except BaseException as error:  # said to the driver, and nothing is run
        os.write(STATUS, json.dumps({"failed": f"{type(error).__name__}: {error}"[:1000]}).encode())
        os._exit(1)
    os.write(STATUS, b'{"ready": true}')
    os.close(STATUS)


def _descriptors(files: list[int]) -> None:
    """Keep 0 to 3, and the status until we have said that we are ready."""
    moved = [os.dup(file) for file in files]  # out of the way of each other
    for target, file in enumerate(moved):
        os.dup2(file, target, inheritable=True)
    os.closerange(len(moved), resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _lock_in(request: dict[str, Any], locks: Locks) -> None:
    """Put on every layer, each of which fails loudly."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    # When memory is short, the kernel takes this process and not the fork server.
    kernel.write("/proc/self/oom_score_adj", "1000")
    user, group = os.getuid(), os.getgid()
    kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC)
    kernel.be_one_user(user, group)
    _mounts(request)
    _surroundings()
    _limits(request, locks.base)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    _let_our_exit_be_heard(locks.notice_program)
    # Only now: the kernel lets nobody send descriptors while its user has more than so many on the way, in all jails.
    kernel.limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    kernel.load_seccomp(locks.filter_program)


def _let_our_exit_be_heard(program: bytes) -> None:
    """Send the driver what it listens on. It is no layer: where the kernel has none, the driver waits longer."""
    try:
        listener = kernel.listen_for(program)
    except OSError:  # before Linux 5.19, or under a filter that has a listener already
        return
    try:
        with socket.socket(fileno=os.dup(STATUS)) as status:
            socket.send_fds(status, [b'{"listener": 1}'], [listener])
    finally:
        os.close(listener)  # who listens to itself waits for itself


def _mounts(request: dict[str, Any]) -> None:
    """An own, small, empty folder to write to, and nothing under /proc."""
    size, inodes = request["folder_bytes"], request["folder_inodes"]
    kernel.mount_tmpfs(HOME, flags=_STRICT, options=f"size={size},nr_inodes={inodes},mode=0700")
    kernel.mount_tmpfs("/proc", flags=_STRICT | kernel.MS_RDONLY, options="size=4k,nr_inodes=1,mode=0555")


def _surroundings() -> None:
    """What a program sees around it: four names, its own folder, its own streams."""
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    os.chdir(HOME)
    os.umask(0o022)
    tempfile.tempdir = None
    sys.argv = [""]
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
    for file, name in ((1, "stdout"), (2, "stderr")):
        stream = _stream(file)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _stream(file: int) -> io.TextIOWrapper:
    """A text stream that writes each line at once: what was printed before a kill is not lost."""
    writer = io.BufferedWriter(io.FileIO(file, "w", closefd=False))
    return io.TextIOWrapper(writer, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _limits(request: dict[str, Any], base: int) -> None:
    cpu = request["cpu_seconds"]
    kernel.limit(resource.RLIMIT_AS, base + reserve.BYTES + request["memory_bytes"])
    kernel.limit(resource.RLIMIT_CPU, cpu, cpu + 1)
    kernel.limit(resource.RLIMIT_NPROC, THREADS)
    kernel.limit(resource.RLIMIT_FSIZE, request["folder_bytes"])
    kernel.limit(resource.RLIMIT_CORE, 0)
    kernel.limit(resource.RLIMIT_MEMLOCK, 0)
    kernel.limit(resource.RLIMIT_MSGQUEUE, 0)
    kernel.limit(resource.RLIMIT_SIGPENDING, THREADS)


def _run_the_order(give_up_reserve: Callable[[], None], *, ahead: bool) -> NoReturn:
    from inside import claim, program

    if ahead:
        _warm_up()
    gc.enable()
    text = sys.stdin.buffer.read()
    if not text:
        os._exit(0)  # the driver no longer wants this child
    order = json.loads(text)
    # The processor's limit warns as the driver's clock does; a second later the kernel kills.
    signal.signal(signal.SIGXCPU, lambda *_: signal.raise_signal(signal.SIGUSR1))

    def send(claimed: dict[str, Any]) -> None:
        frame = claim.frame(claimed, most=order["claim_bytes"])
        _write(frame)

    send(program.execute(order, give_up_reserve=give_up_reserve, send=send))
    for stream in (getattr(sys, "stdout", None), sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(Exception):  # the program closed it, or put something else there
            stream.flush()  # type: ignore[union-attr]
    os._exit(0)


def _warm_up() -> None:
    """While nothing is ordered, touch what every program touches, so that its pages are there."""
    tree = ast.parse(WARM_UP, "<warm-up>")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        exec(compile(tree, "<warm-up>", "exec", dont_inherit=True), {})


def _write(frame: bytes) -> None:
    view = memoryview(frame)
    while view:
        view = view[os.write(CLAIM, view) :]
