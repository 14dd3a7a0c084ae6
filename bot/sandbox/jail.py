"""What a jail is made of, and how one is started.

bubblewrap makes the outer jail: new user, pid, network, ipc, uts and cgroup namespaces, a file system
of a few read-only binds, no environment, no terminal. The fork server runs in it; what each run adds
(its own namespaces, folder, limits, filter) is made by `inside/`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from bot.errors import SandboxUnavailable
from bot.sandbox import seccomp
from bot.sandbox.environment import Environment

HARNESS = "/harness"
#: The one folder that can be written to: the fork server's while it boots, then each run's own.
FOLDER = "/tmp"  # noqa: S108 - inside the jail it is a tmpfs that nobody else sees
#: Room for what the fork server writes while it imports; covered by the run's own folder afterwards.
BOOT_FOLDER_BYTES = 32 << 20
#: Nothing of the caller's environment goes to bubblewrap but this, which must not come out on the other side.
CANARY = {"AUTOGRAD_BOT_CANARY": "the environment leaks"}
#: What this process may lack now and have again later: descriptors, memory, processes.
SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
DEVICES = ("null", "zero", "full", "random", "urandom")
LAYERS = (
    "bwrap", "user namespaces", "pid namespaces", "mount namespaces", "network namespace", "ipc namespaces",
    "read-only binds", "private tmpfs", "empty proc", "no environment", "rlimits", "no fork", "no capabilities",
    "no new privileges",
)  # fmt: skip

#: The smallest x86_64 program that does nothing for ever: `mov eax, 34 (pause); syscall; jmp`.
#: It is the first process of a run's pid namespace.
PAUSE_PROGRAM = bytes.fromhex(
    "7f454c4602010100 0000000000000000 02003e0001000000 7800400000000000 4000000000000000 0000000000000000"
    "0000000040003800 0100000000000000 0100000005000000 0000000000000000 0000400000000000 0000400000000000"
    "8100000000000000 8100000000000000 0010000000000000 b8220000000f05ebf7"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Everything a jail is made of."""

    arguments: tuple[str, ...]  #: of bwrap, without the harness and the program
    filter_program: bytes  #: the snippet's seccomp filter
    notice_program: bytes  #: tells the driver of an exit; see `notice`
    harness: Mapping[str, bytes]  #: path under /harness to content
    layers: tuple[str, ...]  #: named in every run's facts
    seal: tuple[str, ...] = ("--remount-ro", "/")  #: arguments of bwrap that follow the harness


@dataclass(frozen=True, slots=True)
class Jail:
    """A jail that was started: the process to end it by, the fork server's socket, what it complained of."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    complaints: int  #: a descriptor; read it with `complaint`

    def complaint(self) -> str:
        """The last line that bubblewrap or the fork server wrote before it gave up."""
        lines = os.pread(self.complaints, 1 << 16, 0).decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def close(self) -> None:
        """End every process in the jail. The kernel does the same when this process dies."""
        self.control.close()
        self.process.kill()
        self.process.wait()
        os.close(self.complaints)


def parts(environment: Environment) -> Parts:
    """The parts of the one kind of jail there is.

    Raises `SandboxUnavailable` when the system lacks one.
    """
    seccomp_filter = seccomp.snippet_filter()
    allowed = len(seccomp_filter.allowed) + len(seccomp_filter.arguments)
    return Parts(
        arguments=(*isolation(), *file_system(environment.path)),
        filter_program=seccomp_filter.program,
        notice_program=seccomp.exit_notice(),
        harness=harness(),
        layers=(*LAYERS, f"seccomp:{allowed}"),
    )


def require_system() -> None:
    """Raises `SandboxUnavailable` when this system lacks a part that can only be installed."""
    seccomp.snippet_filter()
    _bubblewrap()


def isolation() -> tuple[str, ...]:
    """What is taken away from the jail besides files."""
    return (
        "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup",
        "--hostname", "jail", "--new-session", "--die-with-parent", "--clearenv",
        "--setenv", "PATH", "/env/bin", "--setenv", "HOME", FOLDER, "--setenv", "TMPDIR", FOLDER,
        "--setenv", "LD_LIBRARY_PATH", "/env/lib", "--setenv", "MPLCONFIGDIR", f"{FOLDER}/matplotlib",
        "--setenv", "PYTHONHASHSEED", "0", "--setenv", "OMP_NUM_THREADS", "1",
        "--setenv", "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1",  # large pages make a fork quick
        "--setenv", "OPENBLAS_NUM_THREADS", "1", "--setenv", "MKL_NUM_THREADS", "1",
    )  # fmt: skip


def file_system(environment: Path) -> tuple[str, ...]:
    """The whole file system of the jail. Nothing else exists in there."""
    devices = [word for name in DEVICES for word in ("--dev-bind", f"/dev/{name}", f"/dev/{name}")]
    return (
        *system_libraries(),
        "--ro-bind", str(environment), "/env",
        "--proc", "/proc",
        "--dir", "/dev", *devices,
        "--size", str(BOOT_FOLDER_BYTES), "--tmpfs", FOLDER,
        "--chdir", "/",
    )  # fmt: skip


def system_libraries() -> tuple[str, ...]:
    """Binds for the folders in which the loader finds the C library, as this system lays them out."""
    multiarch = sysconfig.get_config_var("MULTIARCH") or "x86_64-linux-gnu"
    words: list[str] = []
    for folder in (f"/usr/lib/{multiarch}", "/usr/lib64", f"/lib/{multiarch}", "/lib64"):
        path = Path(folder)
        top = Path("/", path.parts[1])
        if top != Path("/usr") and top.is_symlink():
            link = ("--symlink", str(top.readlink()), str(top))
            words += link if str(top) not in words else ()
        elif path.is_dir():
            words += ("--ro-bind", folder, folder)
    return tuple(words)


def harness() -> dict[str, bytes]:
    """The code of `inside/`, as this checkout has it, and the first process of a run."""
    inside = resources.files("bot.sandbox") / "inside"
    files = {f"inside/{file.name}": file.read_bytes() for file in inside.iterdir() if file.name.endswith(".py")}
    return {**files, "pause": PAUSE_PROGRAM}


def launch(made_of: Parts, *, uid: int) -> Jail:
    """Start a jail. The calling thread must outlive it: the jail dies with that thread.

    bubblewrap is never started as root: root becomes `uid` first. The environment of the caller does
    not reach it. Raises `SandboxUnavailable` when bubblewrap is missing or cannot be started, and the
    `OSError` itself when it is one of `SHORTAGES`: then a later attempt may succeed.
    """
    program = _bubblewrap()
    with contextlib.ExitStack() as unless_started, contextlib.ExitStack() as handed_in:
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            unless_started.callback(ours.close)
            handed_in.callback(theirs.close)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            complaints = os.memfd_create("complaints", os.MFD_CLOEXEC)
            unless_started.callback(os.close, complaints)
            process = _started(program, made_of, theirs.fileno(), complaints, handed_in, uid=uid)
        except OSError as error:
            if error.errno in SHORTAGES:
                raise
            raise SandboxUnavailable(f"bubblewrap could not be started: {error}.") from error
        unless_started.pop_all()
    return Jail(process, ours, complaints)


def _started(
    program: str, made_of: Parts, control: int, complaints: int, handed_in: contextlib.ExitStack, *, uid: int
) -> subprocess.Popen[bytes]:
    """bubblewrap, started. The descriptors that are opened for it are closed by `handed_in`."""
    words, files = _harness_words(made_of.harness, handed_in)
    programs = [_file_with(content, handed_in) for content in (made_of.filter_program, made_of.notice_program)]
    server = ["/env/bin/python3", "-S", "-P", "-s", "-B", "-X", "utf8", "-c", _boot(control, *programs)]
    root = os.geteuid() == 0
    return subprocess.Popen(
        [program, *made_of.arguments, *words, *made_of.seal, "--", *server],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=complaints,
        pass_fds=[control, *files, *programs],
        env=CANARY,
        cwd="/",
        process_group=0,  # Ctrl-C at a terminal is for the bot, which finishes what is in hand
        user=uid if root else None,
        group=uid if root else None,
        extra_groups=[] if root else None,
    )


def _bubblewrap() -> str:
    program = shutil.which("bwrap", path=os.defpath + ":/usr/local/bin")
    if program is None:
        raise SandboxUnavailable("bubblewrap is missing. Install it: `apt-get install bubblewrap`.")
    return program


def _boot(control: int, filter_file: int, notice_file: int) -> str:
    """The first words of the fork server's Python."""
    return (
        "import sys; sys.path[:] = ['/harness', '/env/site-packages', *sys.path]; "
        f"from inside import server; server.main({control}, {filter_file}, {notice_file})"
    )


def _harness_words(files: Mapping[str, bytes], handed_in: contextlib.ExitStack) -> tuple[list[str], list[int]]:
    """Hand the harness in by descriptor: no path under a private folder is read by the jail's user."""
    words: list[str] = []
    opened: list[int] = []
    for name, content in sorted(files.items()):
        file = _file_with(content, handed_in)
        opened.append(file)
        mode = "0555" if name == "pause" else "0444"
        words += ["--perms", mode, "--ro-bind-data", str(file), f"{HARNESS}/{name}"]
    return words, opened


def _file_with(content: bytes, closed_by: contextlib.ExitStack) -> int:
    file = os.memfd_create("part", os.MFD_CLOEXEC)
    closed_by.callback(os.close, file)
    with os.fdopen(os.dup(file), "wb") as writer:
        writer.write(content)
    os.lseek(file, 0, os.SEEK_SET)
    return file
