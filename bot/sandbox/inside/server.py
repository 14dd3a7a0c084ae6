"""The fork server: imports torch once, then makes a locked-down child for each run.

It never sees a snippet. A request names only limits and brings the descriptors that belong to the run;
the code itself goes by pipe from the driver to the child alone.

    driver ──control──▶ server ──fork──▶ supervisor ──fork──▶ child (runs the snippet)
       ▲                                     │ status            │ stdout, stderr, claim
       └─────────────────────────────────────┴───────────────────┘
"""

from __future__ import annotations

import array
import gc
import json
import os
import signal
import socket
import sys

from inside import kernel, supervisor

#: Descriptors that come with a request: code, stdout, stderr, claim and status.
PER_RUN = 5
LARGEST_REQUEST = 4096


def main(control_descriptor: int, filter_descriptor: int) -> None:
    """Serve until the driver closes the control socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver's Ctrl-C is the driver's business
    control = socket.socket(fileno=control_descriptor)
    filter_program = _read_all(filter_descriptor)
    control.send(b"hello")  # the kernel tells the driver who sent this, in the driver's own numbers
    control.recv(16)  # it has put us into a cgroup, where there is one
    _import_everything()
    base = kernel.address_space()
    _assert_single_thread()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors report for themselves
    control.send(json.dumps({"address_space": base}).encode())
    while True:
        message, files = _receive(control)
        if not message:
            return
        request = json.loads(message)
        if os.fork() == 0:
            control.close()
            supervisor.supervise(request, files, base=base, filter_program=filter_program)
        for file in files:
            os.close(file)


def _import_everything() -> None:
    """Import and warm all that a first use would otherwise load in every child."""
    import matplotlib

    matplotlib.use("Agg")
    import numpy
    import torch
    from matplotlib import pyplot

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    numpy.random.seed(0)
    torch.ones(2, 2) @ torch.ones(2, 2)
    # Optimizers import torch._dynamo at their first step. No backward here: a build with device
    # threads would start them, and no child could use the engine after a fork.
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
    from inside import program  # noqa: F401 - children find it imported


def _assert_single_thread() -> None:
    """A second thread does not survive a fork, and what it held locked stays locked."""
    with open("/proc/self/status", encoding="ascii") as file:
        threads = next(line for line in file if line.startswith("Threads:")).split()[1]
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
    parts = []
    while part := os.read(file, 1 << 16):
        parts.append(part)
    os.close(file)
    return b"".join(parts)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
