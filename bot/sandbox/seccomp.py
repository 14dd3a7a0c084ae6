"""The system calls a snippet may make, by name, and the filter made of them.

The names are turned into numbers and into the kernel's filter program by libseccomp, outside the jail;
only the bytes go in. Whatever is not named fails with EPERM; a call by another architecture's numbers
(32-bit, x32) ends the process.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from bot.errors import SandboxUnavailable

#: Architectures on which every attack of tests/attacks was tried. Another one is refused, not guessed.
TRIED = ("x86_64",)

ALLOWED = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close close_range
    open openat creat stat lstat fstat newfstatat statx access faccessat faccessat2 readlink readlinkat
    getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 truncate ftruncate
    fallocate fsync fdatasync fadvise64 getdents getdents64 umask chmod fchmod fchmodat utime utimes
    utimensat futimesat statfs fstatfs dup dup2 dup3 pipe pipe2
    mmap munmap mprotect mremap madvise brk msync
    poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2
    futex futex_waitv set_robust_list rseq sched_yield sched_getaffinity membarrier getcpu
    rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigreturn sigaltstack
    kill tkill tgkill pause alarm setitimer getitimer restart_syscall
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrandom
    getpid getppid gettid getpgrp getpgid getsid getuid geteuid getgid getegid getgroups getresuid getresgid
    getrlimit getrusage getpriority uname sysinfo wait4 waitid
    exit exit_group
""".split()

#: Programs ask and are told "not here", as on an older kernel or a plain file system, and do without.
ABSENT = {
    "clone3": errno.ENOSYS,  # glibc falls back to clone, whose flags can be looked at
    "listxattr": errno.ENOTSUP,
    "llistxattr": errno.ENOTSUP,
    "flistxattr": errno.ENOTSUP,
    "getxattr": errno.ENOTSUP,
    "lgetxattr": errno.ENOTSUP,
    "fgetxattr": errno.ENOTSUP,
}

CLONE_THREAD = 0x00010000
CLONE_NEW_ANYTHING = 0x7E020080  #: every CLONE_NEW… namespace flag
FCNTL_ALLOWED = (0, 1, 2, 3, 4, 1030)  #: F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC
IOCTL_ALLOWED = (0x5401, 0x5413, 0x541B, 0x5450, 0x5451)  #: TCGETS, TIOCGWINSZ, FIONREAD, FIONCLEX, FIOCLEX
PRCTL_ALLOWED = (15, 16)  #: PR_SET_NAME, PR_GET_NAME

_ACT_ALLOW = 0x7FFF0000
_ACT_NOTIFY = 0x7FC00000
_ACT_KILL_PROCESS = 0x80000000
_ATTRIBUTE_BAD_ARCHITECTURE = 2
_ATTRIBUTE_NO_NEW_PRIVILEGES = 3
_ATTRIBUTE_OPTIMIZE = 8
_EQUAL = 4
_MASKED_EQUAL = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """A seccomp program and what it allows."""

    program: bytes  #: rows of 8 bytes, as the kernel takes them
    allowed: tuple[str, ...]  #: names of calls that get through with any arguments
    arguments: tuple[str, ...]  #: names of calls that get through with some arguments only


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operation", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


@cache
def snippet_filter() -> Filter:
    """The filter every snippet runs under.

    Raises `SandboxUnavailable` when libseccomp is missing or the architecture was never tried.
    """
    return build(ALLOWED)


@cache
def exit_notice() -> bytes:
    """A program that forbids nothing, and has the kernel ask a listener before a process exits."""
    library = load_library()
    with _context(library, otherwise=_ACT_ALLOW) as context:
        library.seccomp_attr_set(context, _ATTRIBUTE_BAD_ARCHITECTURE, _ACT_ALLOW)  # for the other filter to refuse
        _rule(library, context, _ACT_NOTIFY, "exit_group")
        return _exported(library, context)


def build(allowed: list[str]) -> Filter:
    """The filter that allows `allowed`, and the calls whose arguments are looked at."""
    if platform.machine() not in TRIED:
        raise SandboxUnavailable(
            f"the sandbox was never tried on {platform.machine()}, so it does not run there."
            f" Tried: {', '.join(TRIED)}. Run the bot there and the sandbox as a service on such a machine."
        )
    library = load_library()
    with _context(library, otherwise=_errno(errno.EPERM)) as context:
        library.seccomp_attr_set(context, _ATTRIBUTE_BAD_ARCHITECTURE, _ACT_KILL_PROCESS)
        library.seccomp_attr_set(context, _ATTRIBUTE_OPTIMIZE, 2)  # a binary tree: few rows for each call
        names = tuple(name for name in allowed if _rule(library, context, _ACT_ALLOW, name))
        for name, number in ABSENT.items():
            _rule(library, context, _errno(number), name)
        for name, comparison in _looked_at():
            _rule(library, context, _ACT_ALLOW, name, comparison)
        arguments = tuple(sorted({name for name, _ in _looked_at()}))
        return Filter(program=_exported(library, context), allowed=names, arguments=arguments)


@contextmanager
def _context(library: ctypes.CDLL, *, otherwise: int) -> Iterator[int]:
    """A filter that is being written; a call without a rule is answered by `otherwise`."""
    context = library.seccomp_init(otherwise)
    if not context:
        raise SandboxUnavailable("libseccomp could not begin a filter. Update the package libseccomp2.")
    try:
        library.seccomp_attr_set(context, _ATTRIBUTE_NO_NEW_PRIVILEGES, 0)
        yield context
    finally:
        library.seccomp_release(context)


def number_of(name: str) -> int:
    """The call's number on this machine; negative when it has none."""
    return int(load_library().seccomp_syscall_resolve_name(name.encode()))


@cache
def load_library() -> ctypes.CDLL:
    """libseccomp, with the signatures that are used here."""
    try:
        library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    except OSError as error:
        raise SandboxUnavailable("libseccomp.so.2 is missing. Install it: `apt-get install libseccomp2`.") from error
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    library.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_rule_add_exact_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Comparison),
    ]  # fmt: skip
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    return library


def _looked_at() -> list[tuple[str, _Comparison]]:
    threads_only = _Comparison(0, _MASKED_EQUAL, CLONE_THREAD | CLONE_NEW_ANYTHING, CLONE_THREAD)
    reading_limits = _Comparison(2, _EQUAL, 0, 0)
    return [
        ("clone", threads_only),
        ("prlimit64", reading_limits),
        *(("fcntl", _Comparison(1, _EQUAL, value, 0)) for value in FCNTL_ALLOWED),
        *(("ioctl", _Comparison(1, _EQUAL, value, 0)) for value in IOCTL_ALLOWED),
        *(("prctl", _Comparison(0, _EQUAL, value, 0)) for value in PRCTL_ALLOWED),
    ]


def _rule(library: ctypes.CDLL, context: int, action: int, name: str, comparison: _Comparison | None = None) -> bool:
    """Add one rule; False when this architecture has no such call."""
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number < 0:
        return False
    count, rows = (0, None) if comparison is None else (1, ctypes.byref(comparison))
    problem = library.seccomp_rule_add_exact_array(context, action, number, count, rows)
    if problem != 0:
        raise SandboxUnavailable(f"libseccomp refused the rule for {name}: {os.strerror(-problem)}.")
    return True


def _exported(library: ctypes.CDLL, context: int) -> bytes:
    file = os.memfd_create("filter", os.MFD_CLOEXEC)
    try:
        problem = library.seccomp_export_bpf(context, file)
        if problem != 0:
            raise SandboxUnavailable(f"libseccomp could not write the filter: {os.strerror(-problem)}.")
        return os.pread(file, 1 << 20, 0)
    finally:
        os.close(file)


def _errno(number: int) -> int:
    return 0x00050000 | number
