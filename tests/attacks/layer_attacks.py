"""The attacks that single layers hold off. Each function says whether it was held off."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bot.sandbox import Order, seccomp
from bot.sandbox.child import ServerDied
from tests.attacks.altered_jail import Jail
from tests.attacks.attack import CALL, LIMITS, MEMORY_MIB
from tests.attacks.memory import looking_for, secret
from tests.attacks.processes import eventually, every_descendant, has_ended

Attack = Callable[[Jail], bool]


def prints(code: str, wanted: str) -> Callable[[Jail], bool]:
    return lambda jailed: jailed.run(code).stdout == wanted


def takes_memory(jailed: Jail) -> bool:
    ran = jailed.run(f"block = bytearray({MEMORY_MIB + 64} << 20)\nprint('taken')")
    return ran.stdout == ""


def spins(jailed: Jail) -> bool:
    code = "import re, signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nre.match('(a+)+$', 'a' * 64 + 'b')"
    ran = jailed.run(code, limits=replace(LIMITS, seconds=60.0, cpu_seconds=1))
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


def sees_the_drivers_segment(jailed: Jail) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    segment = libc.shmget(os.getpid(), 4096, 0o1666)
    assert segment >= 0
    try:
        return jailed.run(CALL + f"print(libc.shmget({os.getpid()}, 4096, 0) >= 0)").stdout in ("", "False\n")
    finally:
        libc.shmctl(segment, 0, None)


def sees_the_driver(jailed: Jail) -> bool:
    """By its number; the processes of a jail have small ones of their own."""
    return jailed.run(f"import os\nprint(os.path.exists('/proc/{os.getpid()}'))").stdout == "False\n"


def shares_the_drivers_control_groups(jailed: Jail) -> bool:
    ours = str(Path("/proc/self/ns/cgroup").readlink())
    return ours not in jailed.run("import os\nprint(os.readlink('/proc/self/ns/cgroup'))").stdout


def kills_its_process_group(jailed: Jail) -> bool:
    """A group reaches over the borders of pid namespaces."""
    try:
        return jailed.run("import os\nos.kill(0, 9)").facts.signal == 9 and prints("print(1)", "1\n")(jailed)
    except ServerDied:
        return False


def is_read_by_another_process_of_its_user(jailed: Jail) -> bool:
    child = jailed.child_for(Order(code="", limits=LIMITS))
    try:
        child.wait_until_ready()
        user = jailed.uid if os.geteuid() == 0 else None
        words = ["/usr/bin/head", "-c", "4", f"/proc/{child.pid}/environ"]
        looked = subprocess.run(words, user=user, group=user, extra_groups=[], capture_output=True, cwd="/")
        return looked.stdout != b"PATH"
    finally:
        child.close()


def is_no_likelier_to_be_taken_than_its_server(jailed: Jail) -> bool:
    """What the kernel takes when memory is short: the highest score."""
    child = jailed.child_for(Order(code="", limits=LIMITS))
    try:
        child.wait_until_ready()
        status = Path(f"/proc/{child.pid}/status").read_text(encoding="ascii")
        (server,) = re.findall(r"^PPid:\s(\d+)$", status, re.MULTILINE)
        of_child, of_server = (int(Path(f"/proc/{pid}/oom_score").read_text()) for pid in (child.pid, server))
        return of_child > of_server
    finally:
        child.close()


#: On a terminal that is its own, runs a jail of the parts that it is handed; prints what came out at the terminal.
AT_A_TERMINAL = """
import fcntl, os, pickle, pty, select, sys, termios
parts = pickle.load(sys.stdin.buffer)
terminal, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
from tests.attacks.altered_jail import Jail
jailed = Jail(parts)
jailed.run("import os\\nos.write(os.open('/dev/tty', os.O_WRONLY), b'typed')")
jailed.close()
os.write(slave, b".")
seen = b""
while not seen.endswith(b"."):
    seen += os.read(terminal, 100)
print(seen.decode())
"""
#: Starts a jail of the parts that it is handed, says which process it is, and waits to be killed.
A_DRIVER = """
import os, pickle, sys
parts = pickle.load(sys.stdin.buffer)
from tests.attacks.altered_jail import Jail
jailed = Jail(parts)
print(jailed.server, flush=True)
os.read(0, 1) or os.kill(os.getpid(), 19)
"""
PROJECT = Path(__file__).parents[2]


def writes_to_the_terminal(jailed: Jail) -> bool:
    words = [sys.executable, "-c", AT_A_TERMINAL]
    parts = pickle.dumps(jailed.made_of)
    done = subprocess.run(words, input=parts, capture_output=True, cwd=PROJECT, start_new_session=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return b"typed" not in done.stdout


def outlives_its_driver(jailed: Jail) -> bool:
    """A fork server that was stopped does not see that its driver has gone."""
    words = [sys.executable, "-c", A_DRIVER]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        driver.stdin.write(pickle.dumps(jailed.made_of))
        driver.stdin.flush()
        server = int(driver.stdout.readline())
        family = [server, *every_descendant(server)]
        for pid in family[1:]:
            os.kill(pid, signal.SIGSTOP)
        driver.kill()
    held = eventually(lambda: all(map(has_ended, family)))
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return held


def is_the_drivers_user_namespace(jailed: Jail) -> bool:
    ours = str(Path("/proc/self/ns/user").readlink())
    first = Path(f"/proc/{every_descendant(jailed.server)[-1]}/ns/user")
    return str(first.readlink()) != ours


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
NAME_OF_THE_MACHINE = "import os\nprint(os.uname().nodename)"
READ_ONLY = """
import os
places = ['/', '/env', *(place for place in ('/usr/lib64', '/usr/lib/x86_64-linux-gnu') if os.path.isdir(place))]
print(all(os.statvfs(place).f_flag & os.ST_RDONLY for place in places))
"""
WRITE_IN_PROC = CALL + "errno_of(lambda: open('/proc/x', 'w').write('x'))"
A_LIBRARY_OF_ITS_OWN = """
import ctypes, glob, shutil
shutil.copy(min(glob.glob('/env/**/*.so', recursive=True), key=len), 'own.so')
try:
    ctypes.CDLL('/tmp/own.so')
    print('loaded')
except OSError as error:
    print('refused' if 'failed to map' in str(error) else 'loaded')
"""
LOCKED_MEMORY = (
    CALL + f"page = ctypes.create_string_buffer(4096)\ncall({seccomp.number_of('mlock')}, ctypes.addressof(page), 4096)"
)
MESSAGE_QUEUE = (
    CALL
    + f"name = ctypes.create_string_buffer(b'q')\ncall({seccomp.number_of('mq_open')}, ctypes.addressof(name), 0o102, 0o600, 0)"
)
CORE_FILE = (
    CALL
    + f"size = (ctypes.c_uint64 * 2)(4096, 4096)\ncall({seccomp.number_of('setrlimit')}, 4, ctypes.addressof(size))"
)
QUEUED_SIGNALS = """
import signal, threading
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
try:
    for _ in range(40): signal.pthread_kill(threading.get_ident(), signal.SIGRTMIN)
    print('all queued')
except OSError:
    print('refused')
"""
FORK = "import os\ntry:\n    pid = os.fork()\n    pid or os._exit(0)\n    print('forked')\nexcept PermissionError: print('refused')"
