"""Attacks the sandbox from within before any stranger's byte is run in it.

Each canary tries what a stranger might try. Most must fail; two ordinary programs must succeed. A
sandbox in which one surprises us is not used.
"""

from __future__ import annotations

import json
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.domain.run import Limits, Outcome, Run
from bot.sandbox import Order

#: What the wall-clock canary gets before it is warned, and then before it is killed.
WALL_SECONDS = 0.05
SIGSYS = 31

_PROBES = """
import ctypes, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
found = {}

def attempt(name, action):
    try:
        value = action()
    except OSError as error:
        found[name] = "refused"
    else:
        found[name] = "refused" if value == "refused" else f"done: {value}"

def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
    return "call went through"

def connect():
    with socket.socket() as client:
        client.connect(("127.0.0.1", PORT))
    return "connected"

def secret_in_environment():
    libc.getenv.restype = ctypes.c_char_p
    seen = libc.getenv(b"AUTOGRAD_BOT_CANARY") or os.environ.get("AUTOGRAD_BOT_CANARY")
    return seen or "refused"

def write(path):
    with open(path, "w"):
        return "opened " + path

def other_descriptors():
    extra = []
    for number in range(4, 1024):
        try:
            os.fstat(number)
        except OSError:
            continue
        extra.append(number)
    return extra or "refused"

attempt("reach the network", connect)
attempt("read a file outside", lambda: open(FILE).read())
attempt("read the caller's environment", secret_in_environment)
attempt("write to the environment's folder", lambda: write("/env/canary"))
attempt("write to /dev", lambda: write("/dev/canary"))
attempt("signal other processes", lambda: os.kill(-1, 0))
attempt("see other processes", lambda: os.listdir("/proc") or "refused")
attempt("start a process", lambda: os.fork() or os._exit(0))
attempt("make namespaces", lambda: call(272, 0x10000000))
attempt("trace a process", lambda: call(101, 0, 0, 0, 0))
attempt("use io_uring", lambda: call(425, 1, 0))
attempt("use other descriptors", other_descriptors)
print(json.dumps(found))
"""
_OTHER_ARCHITECTURE = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20 (getpid of 32 bits); int 0x80; ret
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
"""
_TOO_MUCH_MEMORY = "block = b'x' * (MIB << 20)"
_ENDLESS = """
import os, signal
while True:
    os.kill(os.getpid(), signal.SIGSTOP)
"""
_BACKWARD = """
import torch
x = torch.arange(3.0, requires_grad=True)
(x * x).sum().backward()
print(x.grad.tolist())
"""
_TRACEBACK = "x = 1\nraise ValueError('here')"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one canary saw."""

    name: str
    held: bool
    saw: str  #: a few words, for people


def findings(run: Callable[[Order], Run], *, limits: Limits) -> tuple[Finding, ...]:
    """Run every canary and say what each saw. `limits` are those of an ordinary run."""
    order = Order(code="", tape=False, limits=limits)
    with ThreadPoolExecutor(1) as aside:  # the clock runs while the others do
        short = replace(limits, seconds=WALL_SECONDS, grace_seconds=WALL_SECONDS)
        endless = aside.submit(run, replace(order, code=_ENDLESS, limits=short))
        found = (*_works(run, order), *_probes(run, order), *_limits(run, order))
        stopped = endless.result()
    held = stopped.outcome is Outcome.TIMED_OUT
    return (*found, Finding(name="run on for ever", held=held, saw=_seen(stopped)))


def broken(found: tuple[Finding, ...]) -> str | None:
    """One line that names what did not hold, or None when all did."""
    failed = [f"{finding.name} ({finding.saw})" for finding in found if not finding.held]
    return "; ".join(failed) or None


def _works(run: Callable[[Order], Run], order: Order) -> Iterator[Finding]:
    ran = run(replace(order, code=_BACKWARD))
    yield Finding(name="a gradient is right", held=ran.stdout == "[0.0, 2.0, 4.0]\n", saw=_seen(ran))
    ran = run(replace(order, code=_TRACEBACK))
    error = ran.error
    held = error is not None and (error.type, error.message, error.line) == ("ValueError", "here", 2)
    yield Finding(name="an error has its line", held=held, saw=_seen(ran))


def _probes(run: Callable[[Order], Run], order: Order) -> Iterator[Finding]:
    with _listening() as port, _secret_file() as path:
        code = _PROBES.replace("PORT", str(port)).replace("FILE", repr(str(path)))
        ran = run(replace(order, code=code))
    try:
        found = json.loads(ran.stdout)
    except json.JSONDecodeError:
        found = {}
    for name in _names_of_probes():
        saw = str(found.get(name, _seen(ran)))
        yield Finding(name=name, held=saw == "refused", saw=saw)


def _limits(run: Callable[[Order], Run], order: Order) -> Iterator[Finding]:
    ran = run(replace(order, code=_OTHER_ARCHITECTURE))
    yield Finding(name="call the kernel as a 32-bit program", held=ran.facts.signal == SIGSYS, saw=_seen(ran))
    ran = run(replace(order, code=_TOO_MUCH_MEMORY.replace("MIB", str(order.limits.memory_mib + 64))))
    yield Finding(name="take more memory", held=ran.outcome is Outcome.OUT_OF_MEMORY, saw=_seen(ran))


def _names_of_probes() -> list[str]:
    return [line.split('"')[1] for line in _PROBES.splitlines() if line.startswith("attempt(")]


def _seen(ran: Run) -> str:
    facts = ran.facts
    if facts.signal is not None:
        return f"{ran.outcome.value}, signal {facts.signal}"
    return f"{ran.outcome.value}{f': {ran.reason}' if ran.reason else ''}"


@contextmanager
def _listening() -> Iterator[int]:
    """A port of this machine that would answer."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield int(server.getsockname()[1])


@contextmanager
def _secret_file() -> Iterator[Path]:
    """A file outside that everybody may read."""
    with tempfile.TemporaryDirectory(prefix="autograd-bot-") as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "canary"
        path.write_text(secrets.token_hex(), encoding="ascii")
        path.chmod(0o644)
        yield path
