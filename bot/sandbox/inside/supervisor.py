"""Stands between the fork server and one child: makes its namespaces, waits for it, reports its end."""

from __future__ import annotations

import array
import json
import os
import signal
import socket
from typing import Any, NoReturn

from inside import child, kernel

NAMESPACES = kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC
#: First process of a run's pid namespace: when it ends, the kernel ends every other one in there.
FIRST_PROCESS = "/harness/pause"


def supervise(request: dict[str, Any], files: list[int], *, base: int, filter_program: bytes) -> NoReturn:
    """Run one child to its end and report it on the status socket. Does not return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code, stdout, stderr, claim, status_file = files
    status = socket.socket(fileno=status_file)
    try:
        _report_one_run(request, (code, stdout, stderr, claim), status, base, filter_program)
    except OSError as error:
        status.send(json.dumps({"failed": str(error)}).encode())
    finally:
        os._exit(0)


def _report_one_run(
    request: dict[str, Any],
    files: tuple[int, int, int, int],
    status: socket.socket,
    base: int,
    filter_program: bytes,
) -> None:
    user, group = os.getuid(), os.getgid()
    kernel.unshare(NAMESPACES)
    _be_one_user(user, group)
    first = os.posix_spawn(FIRST_PROCESS, [FIRST_PROCESS], {})
    listen, tell = os.pipe()
    runner = os.fork()
    if runner == 0:
        status.close()
        os.close(listen)
        child.become(files, request=request, base=base, filter_program=filter_program, tell=tell)
    for file in (*files, tell):
        os.close(file)
    try:
        problem = os.read(listen, 4096)
        os.close(listen)
        if problem != child.READY:
            raise OSError(problem.decode(errors="replace") or "the child died while it locked itself in")
        handles = array.array("i", [os.pidfd_open(runner), os.pidfd_open(first)])
        status.sendmsg([b'{"ready": true}'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handles)])
        for handle in handles:
            os.close(handle)
        _, ending, usage = os.wait4(runner, 0)
        signalled = os.WIFSIGNALED(ending)
        report = {
            "exit_status": None if signalled else os.WEXITSTATUS(ending),
            "signal": os.WTERMSIG(ending) if signalled else None,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_kib": usage.ru_maxrss,
        }
        status.send(json.dumps(report).encode())
    finally:
        os.kill(first, signal.SIGKILL)


def _be_one_user(user: int, group: int) -> None:
    """Map the one user and group that we were; every other id is nobody's in here."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
