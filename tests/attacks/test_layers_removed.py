"""Removes the layers of the sandbox one by one: for each, a named attack must get through.

So no layer can stop working unseen: were it gone already, its removal would change nothing, and were
its attack harmless, the attack would prove nothing. The product has no switch for any of this; the jail
is built here from parts of which one is replaced.
"""

from __future__ import annotations

import array
import errno
import json
import re
import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.domain.run import Limits, Run
from bot.sandbox import Order, fork_server, jail, seccomp
from bot.sandbox.child import Child, ServerDied
from bot.sandbox.fork_server import ForkServer
from bot.sandbox.ticket import Observed, seen, told, written
from tests.attacks.alterations import changed, without
from tests.attacks.attack import CALL, LIMITS, MEMORY_MIB
from tests.attacks.memory import looking_for, secret

#: Each starts jails of its own.
pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

Change = Callable[[jail.Parts], jail.Parts]


class Jail:
    """A fork server of altered parts; runs orders without a queue and without attacks at its start."""

    def __init__(self, made_of: jail.Parts) -> None:
        self._server = ForkServer(made_of, uid=60990, memory_mib=MEMORY_MIB)
        self._server.wait_until_ready()

    def run(self, code: str, *, limits: Limits = LIMITS) -> Run:
        order = Order(code=code, tape=False, limits=limits)
        child = self.child_for(order)
        try:
            ending = self._server.run(child, written(order), limits=limits)
        finally:
            child.close()
        facts = seen(ending, layers=(), memory_enforced_by="")
        return told(Observed(facts=facts, stdout=ending.stdout, stderr=ending.stderr, frame=ending.claim), order)

    def child_for(self, order: Order) -> Child:
        return self._server.prepare(order.limits)

    def close(self) -> None:
        self._server.close()


class TellingJail(Jail):
    """A driver that tells the fork server what will be run."""

    def child_for(self, order: Order) -> Child:
        child = Child(order.limits)
        request = json.dumps({**fork_server._request(order.limits, ahead=False), "code": order.code})
        files = array.array("i", child.theirs)
        self._server._jail.control.sendmsg([request.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
        child.handed_over()
        return child


# ---------------------------------------------------------------------------------------------------
# The attacks. Each returns whether it was held off.


def prints(code: str, wanted: str) -> Callable[[Jail], bool]:
    return lambda jailed: jailed.run(code).stdout == wanted


def takes_memory(jailed: Jail) -> bool:
    ran = jailed.run(f"block = bytearray({MEMORY_MIB + 64} << 20)\nprint('taken')")
    return ran.stdout == ""


def spins(jailed: Jail) -> bool:
    code = "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nsignal.setitimer(signal.ITIMER_VIRTUAL, 0)\nwhile True: pass"
    ran = jailed.run(code, limits=replace(LIMITS, seconds=10.0))
    return (ran.facts.limit, ran.facts.signal) == ("cpu", 9)


def sleeps(jailed: Jail) -> bool:
    ran = jailed.run("import time\ntime.sleep(3)\nprint('woke')", limits=replace(LIMITS, seconds=0.2))
    return ran.stdout == ""


def floods(jailed: Jail) -> bool:
    ran = jailed.run("import os\nfor _ in range(64): os.write(1, b'a' * 4096)")
    return ran.facts.limit == "output" and len(ran.stdout) <= LIMITS.output_bytes


def kills_everything(jailed: Jail) -> bool:
    try:
        ran = jailed.run("import os\ntry: os.kill(-1, 9)\nexcept ProcessLookupError: print('alone')")
        return ran.stdout == "alone\n" and jailed.run("print('there')").stdout == "there\n"
    except ServerDied:
        return False


def leaves_a_file(jailed: Jail) -> bool:
    jailed.run("open('/tmp/left', 'w').write('x')")
    return jailed.run("import os\nprint(os.path.exists('/tmp/left'))").stdout == "False\n"


def leaves_shared_memory(jailed: Jail) -> bool:
    make = CALL + f"print(libc.shmget(77, 4096, 0o1600) >= 0)\ncall({seccomp.number_of('getpid')})"
    jailed.run(make)
    return jailed.run(CALL + "print(libc.shmget(77, 4096, 0) >= 0)").stdout == "False\n"


def sees_no_network(jailed: Jail) -> bool:
    return jailed.run(INTERFACES).stdout in ("", "[]\n")


def reads_the_code_before(jailed: Jail) -> bool:
    marker = secret()
    for _ in range(3):
        jailed.run(f"text = {marker!r} * 50")
    found = jailed.run(looking_for(marker), limits=replace(LIMITS, cpu_seconds=8))
    assert found.stdout, found.error
    return int(found.stdout.split()[1]) == 0


ERRNO = {name: f"{name}\n" for name in errno.errorcode.values()}
OTHER_ARCHITECTURE = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("b814000000cd80c3"))
print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))() > 0)
"""
CONNECT = """
import errno, socket
client = socket.socket()
try:
    client.connect(("127.0.0.1", 9))
except OSError as error:
    print(errno.errorcode[error.errno])
"""
INTERFACES = "import socket\nprint([name for _, name in socket.if_nameindex() if name != 'lo'])"
PRIVATE_FOLDER = """
import os
os.mkdir('closed')
open('closed/file', 'w').write('x')
os.chmod('closed', 0)
try:
    print(open('closed/file').read())
except PermissionError:
    print('closed')
"""
MANY_FILES = """
import errno
try:
    for n in range(20): open(str(n), 'wb').write(b'a' * (1 << 20))
    print('all written')
except OSError as error:
    print(errno.errorcode[error.errno])
"""
MANY_NAMES = """
import errno
try:
    for n in range(1500): open(str(n), 'w').close()
    print('all made')
except OSError as error:
    print(errno.errorcode[error.errno])
"""
ONE_BIG_FILE = """
import errno, os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    os.truncate(os.open('x', os.O_CREAT | os.O_RDWR), 1 << 40)
    print('grown')
except OSError as error:
    print(errno.errorcode[error.errno])
"""
MANY_THREADS = """
import threading, time
threading.stack_size(1 << 16)
try:
    for _ in range(40): threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
    print('all started')
except RuntimeError:
    print('refused')
"""
MANY_DESCRIPTORS = """
import os
try:
    for _ in range(200): os.dup(0)
    print('all open')
except OSError:
    print('refused')
"""
OTHER_DESCRIPTORS = """
import os
def is_open(n):
    try: os.fstat(n)
    except OSError: return False
    return True
print([n for n in range(4, 64) if is_open(n)])
"""
ENVIRONMENT = "import ctypes, os\nc = ctypes.CDLL(None)\nc.getenv.restype = ctypes.c_char_p\nprint(c.getenv(b'AUTOGRAD_BOT_CANARY'))"
WRITE_OUTSIDE = CALL + "errno_of(lambda: open('/left', 'w'))"
DEVICES = CALL + "errno_of(lambda: open('/dev/shm/x', 'w'))"
FILES_OUTSIDE = CALL + "errno_of(lambda: os.listdir('/etc'))"
FORK = "import os\ntry:\n    pid = os.fork()\n    pid or os._exit(0)\n    print('forked')\nexcept PermissionError: print('refused')"

# ---------------------------------------------------------------------------------------------------
# The layers: how one is removed, and the attack that then gets through.


def harness(file: str, old: str, new: str) -> Change:
    return lambda made_of: changed(made_of, f"inside/{file}", old, new)


def arguments(*names: str) -> Change:
    return lambda made_of: without(made_of, *names)


def every(*changes: Change) -> Change:
    def all_of_them(made_of: jail.Parts) -> jail.Parts:
        for change in changes:
            made_of = change(made_of)
        return made_of

    return all_of_them


def no_filter(made_of: jail.Parts) -> jail.Parts:
    """A filter that allows everything, and a child that does not look whether it holds."""
    allow_all = bytes.fromhex("060000000000ff7f")
    return changed(
        replace(made_of, filter_program=allow_all),
        "inside/kernel.py",
        "    if _libc.unshare(0) == 0:\n",
        "    if False:\n",
    )


def another_list(*more: str) -> Change:
    """The filter with calls on its list that are not meant to be there."""
    return lambda made_of: replace(made_of, filter_program=seccomp.build([*seccomp.ALLOWED, *more]).program)


def bound(folder: str) -> Change:
    return lambda made_of: replace(made_of, arguments=(*made_of.arguments, "--ro-bind", folder, folder))


def unsealed(made_of: jail.Parts) -> jail.Parts:
    return replace(made_of, seal=())


def no_limit(name: str) -> Change:
    def change(made_of: jail.Parts) -> jail.Parts:
        text = made_of.harness["inside/child.py"].decode()
        (line,) = re.findall(rf"    kernel\.limit\(resource\.{name},.*\n", text)
        return changed(made_of, "inside/child.py", line, "")

    return change


LAYERS: dict[str, tuple[Change, Callable[[Jail], bool]]] = {
    "seccomp: new processes": (no_filter, prints(FORK, "refused\n")),
    "seccomp: namespaces": (
        no_filter,
        prints(CALL + f"call({seccomp.number_of('unshare')}, 0x10000000)", ERRNO["EPERM"]),
    ),
    "seccomp: sockets": (no_filter, prints(CONNECT, "")),
    "seccomp: 32-bit calls": (no_filter, prints(OTHER_ARCHITECTURE, "")),
    "seccomp: one call too many on the list": (
        another_list("splice"),
        prints(CALL + f"call({seccomp.number_of('splice')}, 0, 0, 0, 0, 0, 0)", ERRNO["EPERM"]),
    ),
    "the network namespace, behind seccomp": (
        every(no_filter, arguments("--unshare-net")),
        sees_no_network,
    ),
    "the ipc namespace, behind seccomp": (
        every(no_filter, harness("child.py", " | kernel.CLONE_NEWIPC", "")),
        leaves_shared_memory,
    ),
    "the pid namespace": (
        every(
            harness("server.py", "        kernel.unshare(kernel.CLONE_NEWPID)  # of the children to come\n", ""),
            harness("server.py", "        finally:\n            kernel.enter_pid_namespace(self._own_namespace)\n", ""),
        ),
        kills_everything,
    ),
    "the own folder": (
        harness("child.py", "    kernel.mount_tmpfs(HOME,", "    str(HOME) or kernel.mount_tmpfs(HOME,"),
        leaves_a_file,
    ),
    "the size of the own folder": (harness("child.py", "size={size},", ""), prints(MANY_FILES, ERRNO["ENOSPC"])),
    "the inodes of the own folder": (
        harness("child.py", "nr_inodes={inodes},", ""),
        prints(MANY_NAMES, ERRNO["ENOSPC"]),
    ),
    "the empty /proc": (
        harness("child.py", '    kernel.mount_tmpfs("/proc"', '    str(HOME) or kernel.mount_tmpfs("/proc"'),
        prints("import os\nprint(os.listdir('/proc'))", "[]\n"),
    ),
    "the limit on memory": (no_limit("RLIMIT_AS"), takes_memory),
    "the limit on the processor": (no_limit("RLIMIT_CPU"), spins),
    "the limit on descriptors": (no_limit("RLIMIT_NOFILE"), prints(MANY_DESCRIPTORS, "refused\n")),
    "the limit on threads": (no_limit("RLIMIT_NPROC"), prints(MANY_THREADS, "refused\n")),
    "the limit on one file": (no_limit("RLIMIT_FSIZE"), prints(ONE_BIG_FILE, ERRNO["EFBIG"])),
    "dropped capabilities": (
        harness("child.py", "    kernel.drop_capabilities()\n", ""),
        prints(PRIVATE_FOLDER, "closed\n"),
    ),
    "closed descriptors": (
        harness("child.py", "    os.closerange(len(moved),", "    str(moved) or os.closerange(len(moved),"),
        prints(OTHER_DESCRIPTORS, "[]\n"),
    ),
    "the cleared environment": (
        every(arguments("--clearenv"), harness("child.py", "    os.environ.clear()\n", "")),
        prints(ENVIRONMENT, "None\n"),
    ),
    "the sealed root": (unsealed, prints(WRITE_OUTSIDE, ERRNO["EROFS"])),
    "few binds": (bound("/etc"), prints(FILES_OUTSIDE, ERRNO["ENOENT"])),
    "few devices": (
        lambda made_of: replace(made_of, arguments=(*made_of.arguments, "--dev", "/dev")),
        prints(DEVICES, ERRNO["ENOENT"]),
    ),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("layer", LAYERS)
def test_an_attack_gets_through_without(layer: str, light: jail.Parts) -> None:
    change, attack = LAYERS[layer]
    altered = Jail(change(light))
    try:
        assert not attack(altered), f"{layer} was removed and its attack is still held off: it tests nothing"
    finally:
        altered.close()


@pytest.mark.timeout(300)
def test_every_one_of_these_attacks_is_held_off_by_the_whole(light: jail.Parts) -> None:
    whole = Jail(light)
    try:
        got_through = [layer for layer, (_, attack) in LAYERS.items() if not attack(whole)]
    finally:
        whole.close()

    assert got_through == []


@pytest.mark.parametrize(
    ("attack", "limits"),
    [
        pytest.param(floods, replace(LIMITS, output_bytes=1 << 30), id="the cap on output"),
        pytest.param(sleeps, replace(LIMITS, seconds=5.0), id="the clock"),
    ],
)
def test_an_attack_gets_through_without_what_the_driver_does(
    attack: Callable[[Jail], bool], limits: Limits, light: jail.Parts
) -> None:
    class Lenient(Jail):
        """A driver that does not keep to the limits it is told."""

        def run(self, code: str, **_: Limits) -> Run:
            return super().run(code, limits=limits)

    assert_held(attack, light, {Jail: True, Lenient: False})


def test_an_attack_gets_through_where_code_passes_the_fork_server(light: jail.Parts) -> None:
    """The fork server keeps what it was told, as freed memory keeps it until it is used again."""
    keeping = changed(
        light,
        "inside/server.py",
        "        message, files = _receive(self._control)\n",
        "        message, files = _receive(self._control)\n"
        "        self._kept = [*getattr(self, '_kept', []), message]\n",
    )

    assert_held(reads_the_code_before, light, {Jail: True})
    assert_held(reads_the_code_before, keeping, {TellingJail: False})


def assert_held(attack: Callable[[Jail], bool], made_of: jail.Parts, expected: dict[type[Jail], bool]) -> None:
    for kind, held in expected.items():
        jailed = kind(made_of)
        try:
            assert attack(jailed) is held
        finally:
            jailed.close()


def test_a_layer_that_cannot_be_put_on_keeps_every_run_from_starting(light: jail.Parts) -> None:
    """An empty filter cannot be loaded; the child says so instead of running on without."""
    altered = Jail(replace(light, filter_program=b""))
    try:
        with pytest.raises(ServerDied, match="could not be locked in: OSError"):
            altered.run("print('ran')")
    finally:
        altered.close()


def test_a_filter_that_does_not_hold_keeps_every_run_from_starting(light: jail.Parts) -> None:
    altered = Jail(replace(light, filter_program=bytes.fromhex("060000000000ff7f")))
    try:
        with pytest.raises(ServerDied, match="the seccomp filter is not in force"):
            altered.run("print('ran')")
    finally:
        altered.close()
