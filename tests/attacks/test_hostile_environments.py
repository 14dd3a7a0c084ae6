"""Machines on which the sandbox cannot be made, or is started oddly: it holds, or says what is missing.

Each machine is made in a process of its own; the sandbox in there is the product's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import SandboxUnavailable
from bot.sandbox import environment, jail
from bot.sandbox.fork_server import ForkServer
from tests.attacks.alterations import changed
from tests.attacks.attack import GOOD, GOOD_PRINTS, MEMORY_MIB
from tests.attacks.processes import children_of, every_descendant, user_of

#: Each starts jails of its own.
pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

PROJECT = Path(__file__).parents[2]
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make this machine")

#: Runs a good snippet and prints what came of it, or how it was refused.
DRIVER = f"""
from bot.errors import SandboxError
from bot.sandbox import Order
from bot.sandbox.client import JailedSandbox
from bot.settings import SandboxSettings
try:
    with JailedSandbox(SandboxSettings(memory_mib=256)) as sandbox:
        ran = sandbox.run(Order(code={GOOD!r}, tape=False))
        print(ran.stdout, end="")
        print(ran.facts.memory_enforced_by)
except SandboxError as error:
    print(type(error).__name__ + ":", error)
"""
#: Makes the caller's own mount namespace, so that what is covered is covered for it alone.
COVER = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
assert libc.unshare(0x00020000) == 0
assert libc.mount(None, b"/", None, 0x44000, None) == 0
def cover(path):
    assert libc.mount(b"/dev/null", os.path.realpath(path).encode(), None, 0x1000, None) == 0, path
"""
#: Becomes an ordinary user of a namespace in which no further one may be made.
NO_NAMESPACES = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
user, group = os.getuid(), os.getgid()
assert libc.unshare(0x10000000) == 0
open("/proc/self/setgroups", "w").write("deny")
open("/proc/self/uid_map", "w").write(f"1000 {user} 1")
open("/proc/self/gid_map", "w").write(f"1000 {group} 1")
open("/proc/sys/user/max_user_namespaces", "w").write("0")
"""
#: The seccomp filter of a container engine's default profile, as far as it matters here.
CONTAINER_FILTER = """
import ctypes, errno
from bot.sandbox import seccomp
library = seccomp.load_library()
library.seccomp_load.argtypes = [ctypes.c_void_p]
context = library.seccomp_init(0x7FFF0000)
for name in ("unshare", "mount", "umount2", "setns", "pivot_root"):
    seccomp._rule(library, context, 0x00050000 | errno.EPERM, name)
seccomp._rule(library, context, 0x00050000 | errno.ENOSYS, "clone3")
for flag in (0x10000000, 0x20000000, 0x40000000, 0x00020000):
    new = seccomp._Comparison(0, 7, flag, flag)
    seccomp._rule(library, context, 0x00050000 | errno.EPERM, "clone", new)
assert library.seccomp_load(context) == 0
"""


def driven(machine: str = "", *, environment: dict[str, str] | None = None, program: str = DRIVER) -> str:
    """What the driver prints on this machine. It must end by itself, without a traceback."""
    ended = subprocess.run(
        [sys.executable, "-c", machine + program],
        cwd=PROJECT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@AS_ROOT
def test_without_bubblewrap_it_says_what_to_install() -> None:
    said = driven(COVER + "cover('/usr/bin/bwrap')\n")

    assert said == "SandboxUnavailable: bubblewrap is missing. Install it: `apt-get install bubblewrap`.\n"


@AS_ROOT
def test_without_libseccomp_it_says_what_to_install() -> None:
    path = "/usr/lib/x86_64-linux-gnu/libseccomp.so.2"
    if not Path(path).exists():
        pytest.skip("libseccomp lies elsewhere")

    assert "`apt-get install libseccomp2`" in driven(COVER + f"cover({path!r})\n")


def test_without_user_namespaces_it_refuses_and_says_how_to_allow_them() -> None:
    said = driven(NO_NAMESPACES)

    assert said.startswith("SandboxUnavailable: the jail could not be made. bubblewrap said:")
    assert "User namespaces are not allowed here" in said


def test_under_a_containers_filter_it_refuses_and_names_the_profile() -> None:
    said = driven(CONTAINER_FILTER)

    assert said.startswith("SandboxUnavailable: the jail could not be made. bubblewrap said: bwrap: No permissions")
    assert "docker/" in said


def test_on_a_processor_that_was_never_tried_it_refuses() -> None:
    personality = "import ctypes\nctypes.CDLL(None).personality(8)  # uname says i686\n"

    assert "the sandbox was never tried on i686" in driven(personality)


@AS_ROOT
def test_where_no_control_group_can_be_made_it_runs_without() -> None:
    """A read-only /sys/fs/cgroup, as in containers."""
    hidden = COVER + 'assert libc.mount(b"tmpfs", b"/sys/fs/cgroup", b"tmpfs", 1, None) == 0\n'

    assert driven(hidden) == GOOD_PRINTS + "rlimit_as\n"


def test_with_few_descriptors_it_still_runs() -> None:
    few = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"

    assert driven(few).startswith(GOOD_PRINTS)


def test_with_too_few_descriptors_it_says_so() -> None:
    few = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (14, 14))\n"
    imports = (
        "from bot.sandbox.client import JailedSandbox\nimport bot.sandbox.environment as e, bot.sandbox.seccomp as s\n"
    )
    imports += "e.key(); s.snippet_filter()\n"

    assert driven(imports + few).startswith("Sandbox")


def test_the_callers_threads_locale_and_signals_do_not_matter() -> None:
    odd = "import os, signal\nos.umask(0o777)\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nos.close(0)\n"
    surroundings = {
        "OMP_NUM_THREADS": "8",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "7",
        "LD_PRELOAD": "",
        "HOME": "/nonexistent",
    }

    assert driven(odd, environment=surroundings).startswith(GOOD_PRINTS)


def test_secrets_in_the_callers_environment_stay_outside() -> None:
    program = DRIVER.replace(repr(GOOD), repr("import os\nprint(sorted(os.environ))"))

    said = driven(environment={"AUTOGRAD_BOT_FORUM__WRITE_KEY": "secret"}, program=program)

    assert said.startswith("['HOME', 'OMP_NUM_THREADS', 'PATH', 'TMPDIR']\n")


@AS_ROOT
def test_root_gives_up_its_user_before_bubblewrap_is_started(light: jail.Parts) -> None:
    server = ForkServer(light, uid=60990, memory_mib=MEMORY_MIB)
    try:
        server.wait_until_ready()
        family = [server.pid, *every_descendant(server.pid)]
        assert children_of(server.pid)
        assert {user_of(pid) for pid in family} == {60990}
    finally:
        server.close()


def test_a_fork_server_with_a_second_thread_does_not_serve(light: jail.Parts) -> None:
    """What a second thread holds locked stays locked in every child."""
    altered = changed(
        light,
        "inside/server.py",
        "    _assert_single_thread()\n    gc.freeze",
        "    import threading, time\n    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "    _assert_single_thread()\n    gc.freeze",
    )

    server = ForkServer(altered, uid=60990, memory_mib=MEMORY_MIB)
    try:
        with pytest.raises(SandboxUnavailable, match="has 2 threads; it must have one"):
            server.wait_until_ready()
    finally:
        server.close()


def test_a_fork_server_that_says_nothing_is_given_up(light: jail.Parts) -> None:
    altered = changed(
        light, "inside/server.py", '    control.send(b"hello")', "    import time; time.sleep(60)\n    str()"
    )

    server = ForkServer(altered, uid=60990, memory_mib=MEMORY_MIB)
    try:
        with pytest.raises(SandboxUnavailable):
            server.wait_until_ready(seconds=1)
    finally:
        server.close()


def test_an_environment_without_torch_is_refused_in_words(made_of: jail.Parts, tmp_path: Path) -> None:
    with pytest.raises(SandboxUnavailable, match="autograd-bot sandbox prepare"):
        environment.find(chosen=tmp_path, data=None, uid=60990)


def test_a_sandbox_that_does_not_hold_is_not_used(light: jail.Parts) -> None:
    """The attacks at the start see a hole, and the sandbox refuses to open."""
    leaky = changed(
        light, "inside/child.py", '    kernel.mount_tmpfs("/proc"', '    str(HOME) or kernel.mount_tmpfs("/proc"'
    )
    from bot.sandbox.client import JailedSandbox
    from tests.attacks.conftest import SETTINGS

    with pytest.raises(SandboxUnavailable, match="does not hold here, so nothing is run: see other processes"):
        JailedSandbox(SETTINGS, made_of=leaky)
