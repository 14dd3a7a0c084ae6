"""Calls of the kernel: what is not on the list is refused, whatever it is."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable, Iterator

import pytest

from bot.domain.run import Outcome, Run
from bot.sandbox import Order, jail, seccomp
from bot.sandbox.fork_server import ForkServer
from bot.sandbox.ticket import written
from tests.attacks.attack import CALL, LIMITS, Attack, harmless

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

SIGSYS = 31
CLONE_VM, CLONE_THREAD, CLONE_NEWUSER, CLONE_NEWNET, SIGCHLD = 0x100, 0x10000, 0x10000000, 0x40000000, 17

#: Each must be refused with EPERM, but for the errors that are named.
REFUSED = {
    "unshare": (0x10000000,),
    "setns": (0, 0),
    "mount": (0, 0, 0, 0, 0),
    "umount2": (0, 0),
    "pivot_root": (0, 0),
    "chroot": (0,),
    "open_tree": (0, 0, 0),
    "move_mount": (0, 0, 0, 0, 0),
    "fsopen": (0, 0),
    "fsmount": (0, 0, 0),
    "mount_setattr": (0, 0, 0, 0, 0),
    "clone3": (0, 0),
    "vfork": (),
    "fork": (),
    "execve": (0, 0, 0),
    "execveat": (0, 0, 0, 0, 0),
    "ptrace": (0, 0, 0, 0),
    "process_vm_readv": (1, 0, 0, 0, 0, 0),
    "process_vm_writev": (1, 0, 0, 0, 0, 0),
    "process_madvise": (0, 0, 0, 0, 0),
    "pidfd_open": (1, 0),
    "pidfd_getfd": (0, 0, 0),
    "pidfd_send_signal": (0, 9, 0, 0),
    "kcmp": (1, 1, 0, 0, 0),
    "socket": (2, 1, 0),
    "socketpair": (1, 1, 0, 0),
    "connect": (3, 0, 0),
    "bind": (3, 0, 0),
    "sendto": (3, 0, 0, 0, 0, 0),
    "sendmsg": (3, 0, 0),
    "recvmsg": (3, 0, 0),
    "io_uring_setup": (1, 0),
    "io_uring_enter": (0, 0, 0, 0, 0, 0),
    "io_uring_register": (0, 0, 0, 0),
    "io_setup": (1, 0),
    "keyctl": (0, 0, 0, 0, 0),
    "add_key": (0, 0, 0, 0, 0),
    "request_key": (0, 0, 0, 0),
    "bpf": (0, 0, 0),
    "perf_event_open": (0, 0, 0, 0, 0),
    "userfaultfd": (0,),
    "memfd_create": (0, 0),
    "memfd_secret": (0,),
    "shmget": (0, 4096, 0o1600),
    "shmat": (0, 0, 0),
    "semget": (0, 1, 0o1600),
    "msgget": (0, 0o1600),
    "mq_open": (0, 0, 0, 0),
    "splice": (0, 0, 0, 0, 0, 0),
    "tee": (0, 0, 0, 0),
    "vmsplice": (0, 0, 0, 0),
    "sendfile": (1, 0, 0, 1),
    "copy_file_range": (0, 0, 0, 0, 1, 0),
    "flock": (1, 2),
    "kexec_load": (0, 0, 0, 0),
    "init_module": (0, 0, 0),
    "finit_module": (0, 0, 0),
    "delete_module": (0, 0),
    "reboot": (0, 0, 0, 0),
    "swapon": (0, 0),
    "syslog": (3, 0, 0),
    "acct": (0,),
    "quotactl": (0, 0, 0, 0),
    "name_to_handle_at": (0, 0, 0, 0, 0),
    "open_by_handle_at": (0, 0, 0),
    "fanotify_init": (0, 0),
    "inotify_init1": (0,),
    "personality": (0x40000,),
    "modify_ldt": (0, 0, 0),
    "arch_prctl": (0x1002, 0),
    "iopl": (3,),
    "ioperm": (0, 1, 1),
    "seccomp": (0, 0, 0),
    "landlock_create_ruleset": (0, 0, 0),
    "capset": (0, 0),
    "setuid": (0,),
    "setgid": (0,),
    "setgroups": (0, 0),
    "setresuid": (0, 0, 0),
    "setrlimit": (7, 0),
    "setpriority": (0, 0, -5),
    "ioprio_set": (1, 0, 0),
    "sched_setaffinity": (0, 0, 0),
    "sched_setscheduler": (0, 0, 0),
    "settimeofday": (0, 0),
    "clock_settime": (0, 0),
    "adjtimex": (0,),
    "sethostname": (0, 0),
    "mlock": (0, 4096),
    "mbind": (0, 0, 0, 0, 0, 0),
    "move_pages": (0, 0, 0, 0, 0, 0),
    "pkey_alloc": (0, 0),
    "lookup_dcookie": (0, 0, 0),
    "timer_create": (0, 0, 0),
    "signalfd4": (0, 0, 8, 0),
    "symlink": (0, 0),
    "link": (0, 0),
    "mknod": (0, 0, 0),
    "chown": (0, 0, 0),
    "setxattr": (0, 0, 0, 0, 0),
}
OTHER_ERRORS = {"clone3": "ENOSYS"}

ARGUMENTS = [
    harmless(
        "a new process by clone",
        CALL + f"call({{clone}}, {SIGCHLD}, 0, 0, 0, 0)",
        "EPERM\n",
    ),
    harmless(
        "a process that shares its memory", CALL + f"call({{clone}}, {CLONE_VM | SIGCHLD}, 0, 0, 0, 0)", "EPERM\n"
    ),
    harmless(
        "a thread in a new user namespace",
        CALL + f"call({{clone}}, {CLONE_VM | CLONE_THREAD | CLONE_NEWUSER}, 0, 0, 0, 0)",
        "EPERM\n",
    ),
    harmless(
        "a thread in a new network namespace",
        CALL + f"call({{clone}}, {CLONE_THREAD | CLONE_NEWNET}, 0, 0, 0, 0)",
        "EPERM\n",
    ),
    harmless("becoming readable to debuggers", CALL + "call({prctl}, 4, 1, 0, 0, 0)", "EPERM\n"),
    harmless("a filter of its own", CALL + "call({prctl}, 22, 2, 0, 0, 0)", "EPERM\n"),
    harmless("speculation controls", CALL + "call({prctl}, 53, 0, 2, 0, 0)", "EPERM\n"),
    harmless("typing into a terminal", CALL + "call({ioctl}, 0, 0x5412, 0)", "EPERM\n"),
    harmless("an ioctl with high bits set", CALL + "call({ioctl}, 1, 0x100005401, 0)", "EPERM\n"),
    harmless("signals of a descriptor", CALL + "call({fcntl}, 1, 10, 9)\ncall({fcntl}, 1, 8, 1)", "EPERM\nEPERM\n"),
    harmless("a lock that another run could see", CALL + "call({fcntl}, 1, 6, 0)", "EPERM\n"),
    harmless("a lease on a file", CALL + "call({fcntl}, 1, 1024, 1)", "EPERM\n"),
    harmless(
        "setting a limit by prlimit",
        CALL + "new = (ctypes.c_uint64 * 2)(1, 1)\ncall({prlimit64}, 0, 7, ctypes.addressof(new), 0)",
        "EPERM\n",
    ),
]

#: Enters the kernel with machine code of our own.
MACHINE_CODE = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("{code}"))
print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))())
"""


@pytest.mark.parametrize("name", REFUSED)
def test_a_call_is_refused(name: str, must_hold: Callable[[Attack], Run]) -> None:
    number = seccomp.number_of(name)
    if number < 0:
        pytest.skip(f"this machine has no {name}")
    arguments = ", ".join(map(str, (number, *REFUSED[name])))

    must_hold(harmless(name, CALL + f"call({arguments})", OTHER_ERRORS.get(name, "EPERM") + "\n"))


@pytest.mark.parametrize("attack", ARGUMENTS, ids=lambda attack: attack.name)
def test_an_allowed_call_is_refused_with_bad_arguments(attack: Attack, must_hold: Callable[[Attack], Run]) -> None:
    names = set(re.findall(r"call\(\{(\w+)\}", attack.code))
    code = attack.code
    for name in names:
        code = code.replace(f"{{{name}}}", str(seccomp.number_of(name)))

    must_hold(harmless(attack.name, code, attack.prints or ""))


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("b814000000cd80c3", id="32-bit getpid by int 0x80"),
        pytest.param("b802000000cd80c3", id="32-bit fork by int 0x80"),
        pytest.param("b827000040" + "0f05c3", id="x32 getpid"),
        pytest.param("b839000040" + "0f05c3", id="x32 fork"),
        pytest.param("b809020040" + "0f05c3", id="x32 ptrace"),
    ],
)
def test_another_architectures_call_ends_the_run(code: str, must_hold: Callable[[Attack], Run]) -> None:
    must_hold(Attack(name=code, code=MACHINE_CODE.format(code=code), signal=SIGSYS, outcome=Outcome.REFUSED))


def test_a_call_that_is_allowed_works_by_machine_code_too(must_hold: Callable[[Attack], Run]) -> None:
    """So that the tests above do not pass because the machine code is wrong."""
    attack = Attack(name="getuid", code=MACHINE_CODE.format(code="b866000000" + "0f05c3"), outcome=Outcome.FINISHED)

    assert must_hold(attack).stdout == "60990\n"


#: Recent kernels answer these before any filter sees them; outside a probe they end the process or do nothing.
NO_FILTER_SEES = {335: "uretprobe", 336: "uprobe"}
LAST_NUMBER = 512
SWEEP = """
import ctypes, errno, json, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
block = mmap.mmap(-1, 1 << 16)
page = ctypes.addressof(ctypes.c_char.from_buffer(block))
for number in NUMBERS:
    os.write(1, b"%d " % number)
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, ARGUMENTS))
    os.write(1, b"%d\\n" % (ctypes.get_errno() if result == -1 else 0))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("[0] * 6", id="zeros"),
        pytest.param("[page, 4096, 1, page + 4096, 1, page + 8192]", id="memory, a length, a flag"),
        pytest.param("[1, page, 4096, page + 4096, page + 8192, 0]", id="a descriptor, memory, a length"),
    ],
)
def test_every_number_that_is_not_on_the_list_is_refused(arguments: str, made_of: jail.Parts) -> None:
    """Sweep all numbers with harmless arguments, and with what a call could do something with.

    A call that ends the process is tried alone.
    """
    listed = {seccomp.number_of(name) for name in (*seccomp.ALLOWED, "clone", "fcntl", "ioctl", "prctl", "prlimit64")}
    numbers = [number for number in range(LAST_NUMBER) if number not in listed]
    refusals = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP}
    server = ForkServer(made_of, uid=60990, memory_mib=256)
    try:
        server.wait_until_ready()
        answers = dict(_swept(server, numbers, arguments))
    finally:
        server.close()

    let_through = {number for number, answer in answers.items() if answer not in refusals}

    assert answers.keys() == set(numbers)
    assert let_through <= NO_FILTER_SEES.keys()


#: Tries one call with many values in one place, and prints those for which it was not the filter that answered.
BORDER = """
import ctypes, errno, json
libc = ctypes.CDLL(None, use_errno=True)
block = ctypes.create_string_buffer(4096)
page = ctypes.addressof(block)
passed = []
for value in VALUES:
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(NUMBER), *(ctypes.c_long(one) for one in (ARGUMENTS)))
    if result != -1 or ctypes.get_errno() != errno.EPERM:
        passed.append(value)
print(json.dumps(passed))
"""
CLONE_NEW = (0x80, *(1 << bit for bit in (17, 25, 26, 27, 28, 29, 30)))
BORDERS = {
    "prctl": ([*range(80), 0x59616D61, 1 << 32 | 15], "value, page, 0, 0, 0", seccomp.PRCTL_ALLOWED),
    "ioctl": (
        [*range(0x5400, 0x5480), 0x8912, 0xAE01, 0x40086602, 0x40049409, 0x100005401],
        "1, value, page",
        seccomp.IOCTL_ALLOWED,
    ),
    "fcntl": ([*range(50), *range(1024, 1045), 1 << 32], "1, value, 0", seccomp.FCNTL_ALLOWED),
    "prlimit64": (list(range(16)), "0, value, page, page", ()),
    "clone, of a process": ([1 << bit for bit in range(32) if bit != 16], "value | 17, page, 0, 0, 0", ()),
    "clone, of a thread elsewhere": ([CLONE_THREAD | new for new in CLONE_NEW], "value, page, 0, 0, 0", ()),
}


@pytest.mark.parametrize("border", BORDERS)
def test_on_the_borders_of_the_list_nothing_else_gets_through(border: str, must_hold: Callable[[Attack], Run]) -> None:
    values, arguments, allowed = BORDERS[border]
    number = seccomp.number_of(border.partition(",")[0])
    code = BORDER.replace("VALUES", str(values)).replace("NUMBER", str(number)).replace("ARGUMENTS", arguments)

    must_hold(harmless(border, code, json.dumps([one for one in values if one in allowed]) + "\n"))


#: Memory that a file of the run's own lies in may not be run: not when it is mapped, and not later.
SHARED_CODE = """
import ctypes, errno, mmap, os
file = os.open('own', os.O_CREAT | os.O_RDWR)
os.truncate(file, 4096)
def tried(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return 'done'
libc = ctypes.CDLL(None, use_errno=True)
def change(block):
    if libc.mprotect(ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(block))), 4096, 5) != 0:
        raise OSError(ctypes.get_errno(), '')
executable = mmap.PROT_READ | mmap.PROT_EXEC
print(*(tried(lambda: mmap.mmap(file, 4096, flags=kind, prot=executable)) for kind in (mmap.MAP_SHARED, mmap.MAP_PRIVATE)))
print(tried(lambda: change(mmap.mmap(file, 4096))))
"""


def test_a_file_of_the_runs_own_is_mapped_to_be_run_by_no_way(must_hold: Callable[[Attack], Run]) -> None:
    must_hold(harmless("shared code", SHARED_CODE, "EPERM EPERM\nEACCES\n"))


def test_the_list_holds_no_call_that_no_namespace_bounds() -> None:
    dangerous = {name for name in REFUSED if name not in OTHER_ERRORS}

    assert not dangerous & set(seccomp.ALLOWED)


def _swept(server: ForkServer, numbers: list[int], arguments: str) -> Iterator[tuple[int, int | None]]:
    """Each number and the error it gave; None for one that ended the process."""
    left = numbers
    while left:
        child = server.prepare(LIMITS)
        code = SWEEP.replace("NUMBERS", json.dumps(left)).replace("ARGUMENTS", arguments)
        order = Order(code=code, tape=False, limits=LIMITS)
        ending = server.run(child, written(order), limits=LIMITS)
        child.close()
        rows = [line.split() for line in ending.stdout.decode().splitlines()]
        for row in rows:
            yield int(row[0]), int(row[1]) if len(row) == 2 else None
        assert rows, ending
        left = [number for number in left if number > int(rows[-1][0])]
