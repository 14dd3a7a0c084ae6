"""The layers of the sandbox: how each is removed, and the attack that then gets through.

A layer that stands behind another one is removed together with it: were it gone already, the attack would get
through without the first alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from bot.sandbox import jail, seccomp
from tests.attacks.alterations import changed, without
from tests.attacks.attack import CALL
from tests.attacks.layer_attacks import (
    A_LIBRARY_OF_ITS_OWN,
    CONNECT,
    CORE_FILE,
    DEVICES,
    ENVIRONMENT,
    ERRNO,
    FILES_OUTSIDE,
    FORK,
    LOCKED_MEMORY,
    MANY_DESCRIPTORS,
    MANY_FILES,
    MANY_NAMES,
    MANY_THREADS,
    MESSAGE_QUEUE,
    NAME_OF_THE_MACHINE,
    ONE_BIG_FILE,
    OTHER_ARCHITECTURE,
    OTHER_DESCRIPTORS,
    PRIVATE_FOLDER,
    QUEUED_SIGNALS,
    READ_ONLY,
    WRITE_IN_PROC,
    WRITE_OUTSIDE,
    Attack,
    is_no_likelier_to_be_taken_than_its_server,
    is_read_by_another_process_of_its_user,
    is_the_drivers_user_namespace,
    kills_everything,
    kills_its_process_group,
    leaves_a_file,
    leaves_shared_memory,
    outlives_its_driver,
    prints,
    sees_no_network,
    sees_the_driver,
    sees_the_drivers_segment,
    shares_the_drivers_control_groups,
    spins,
    takes_memory,
    writes_to_the_terminal,
)

Change = Callable[[jail.Parts], jail.Parts]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its removal, and the attack that it holds off."""

    removed: Change
    attack: Attack
    behind: Change | None = None  #: removes what would hold off the attack as well


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


def unchanged(made_of: jail.Parts) -> jail.Parts:
    return made_of


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


def device(name: str) -> Change:
    return lambda made_of: replace(
        made_of, arguments=(*made_of.arguments, "--dev-bind", f"/dev/{name}", f"/dev/{name}")
    )


def bound(folder: str) -> Change:
    return lambda made_of: replace(made_of, arguments=(*made_of.arguments, "--ro-bind", folder, folder))


def writable(made_of: jail.Parts) -> jail.Parts:
    words = ("--bind" if word == "--ro-bind" else word for word in made_of.arguments)
    return replace(made_of, arguments=tuple(words), seal=())


def unsealed(made_of: jail.Parts) -> jail.Parts:
    return replace(made_of, seal=())


def no_limit(name: str) -> Change:
    def change(made_of: jail.Parts) -> jail.Parts:
        text = made_of.harness["inside/child.py"].decode()
        (line,) = re.findall(rf"    kernel\.limit\(resource\.{name},.*\n", text)
        return changed(made_of, "inside/child.py", line, "")

    return change


PROC_OF_THE_JAIL = harness("child.py", '    kernel.mount_tmpfs("/proc"', '    str(HOME) or kernel.mount_tmpfs("/proc"')

LAYERS: dict[str, Layer] = {
    "seccomp: new processes": Layer(no_filter, prints(FORK, "refused\n")),
    "seccomp: namespaces": Layer(
        no_filter,
        prints(CALL + f"call({seccomp.number_of('unshare')}, 0x10000000)", ERRNO["EPERM"]),
    ),
    "seccomp: sockets": Layer(no_filter, prints(CONNECT, "")),
    "seccomp: 32-bit calls": Layer(no_filter, prints(OTHER_ARCHITECTURE, "")),
    "seccomp: one call too many on the list": Layer(
        another_list("splice"),
        prints(CALL + f"call({seccomp.number_of('splice')}, 0, 0, 0, 0, 0, 0)", ERRNO["EPERM"]),
    ),
    "the network namespace, behind seccomp": Layer(
        arguments("--unshare-net"),
        sees_no_network,
        behind=no_filter,
    ),
    "the ipc namespace, behind seccomp": Layer(
        harness("child.py", " | kernel.CLONE_NEWIPC", ""),
        leaves_shared_memory,
        behind=no_filter,
    ),
    "the pid namespace": Layer(
        every(
            harness("server.py", "        kernel.unshare(kernel.CLONE_NEWPID)  # of the children to come\n", ""),
            harness("server.py", "        finally:\n            kernel.enter_pid_namespace(self._own_namespace)\n", ""),
        ),
        kills_everything,
    ),
    "the own folder": Layer(
        harness("child.py", "    kernel.mount_tmpfs(HOME,", "    str(HOME) or kernel.mount_tmpfs(HOME,"),
        leaves_a_file,
    ),
    "the size of the own folder": Layer(harness("child.py", "size={size},", ""), prints(MANY_FILES, ERRNO["ENOSPC"])),
    "the inodes of the own folder": Layer(
        harness("child.py", "nr_inodes={inodes},", ""),
        prints(MANY_NAMES, ERRNO["ENOSPC"]),
    ),
    "the empty /proc": Layer(
        PROC_OF_THE_JAIL,
        prints("import os\nprint(os.listdir('/proc'))", "[]\n"),
    ),
    "the jail's pid namespace, behind the empty /proc": Layer(
        arguments("--unshare-pid"),
        sees_the_driver,
        behind=PROC_OF_THE_JAIL,
    ),
    "the jail's ipc namespace, behind the run's own and seccomp": Layer(
        arguments("--unshare-ipc"),
        sees_the_drivers_segment,
        behind=every(no_filter, harness("child.py", " | kernel.CLONE_NEWIPC", "")),
    ),
    "the cgroup namespace, behind the empty /proc": Layer(
        arguments("--unshare-cgroup"),
        shares_the_drivers_control_groups,
        behind=PROC_OF_THE_JAIL,
    ),
    "the uts namespace": Layer(
        arguments("--unshare-uts", "--hostname", "jail"),
        prints(NAME_OF_THE_MACHINE, "jail\n"),
    ),
    "the read-only binds": Layer(writable, prints(READ_ONLY, "True\n")),
    "the read-only /proc": Layer(
        harness(
            "child.py", 'flags=_STRICT | kernel.MS_RDONLY, options="size=4k,nr_inodes=1,', 'flags=_STRICT, options="'
        ),
        prints(WRITE_IN_PROC, ERRNO["EROFS"]),
    ),
    "no programs in the own folder": Layer(
        harness("kernel.py", "MS_NOEXEC = 8\n", "MS_NOEXEC = 0\n"),
        prints(A_LIBRARY_OF_ITS_OWN, "refused\n"),
    ),
    "the own session": Layer(harness("child.py", "    os.setsid()\n", ""), kills_its_process_group),
    "closed to processes of the same user": Layer(
        harness("child.py", "    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)\n", ""),
        is_read_by_another_process_of_its_user,
    ),
    "taken before the fork server when memory is short": Layer(
        harness("child.py", '    kernel.write("/proc/self/oom_score_adj", "1000")\n', ""),
        is_no_likelier_to_be_taken_than_its_server,
    ),
    "the limit on locked memory, behind seccomp": Layer(
        no_limit("RLIMIT_MEMLOCK"),
        prints(LOCKED_MEMORY, ERRNO["EPERM"]),
        behind=no_filter,
    ),
    "the limit on message queues, behind seccomp": Layer(
        no_limit("RLIMIT_MSGQUEUE"),
        lambda jailed: jailed.run(MESSAGE_QUEUE).stdout != "done\n",
        behind=no_filter,
    ),
    "the limit on core files, behind seccomp": Layer(
        no_limit("RLIMIT_CORE"),
        prints(CORE_FILE, ERRNO["EPERM"]),
        behind=no_filter,
    ),
    "the limit on queued signals": Layer(no_limit("RLIMIT_SIGPENDING"), prints(QUEUED_SIGNALS, "refused\n")),
    "the limit on memory": Layer(no_limit("RLIMIT_AS"), takes_memory),
    "the limit on the processor": Layer(no_limit("RLIMIT_CPU"), spins),
    "the limit on descriptors": Layer(no_limit("RLIMIT_NOFILE"), prints(MANY_DESCRIPTORS, "refused\n")),
    "the limit on threads": Layer(no_limit("RLIMIT_NPROC"), prints(MANY_THREADS, "refused\n")),
    "the limit on one file": Layer(no_limit("RLIMIT_FSIZE"), prints(ONE_BIG_FILE, ERRNO["EFBIG"])),
    "dropped capabilities": Layer(
        harness("child.py", "    kernel.drop_capabilities()\n", ""),
        prints(PRIVATE_FOLDER, "closed\n"),
    ),
    "closed descriptors": Layer(
        harness("child.py", "    os.closerange(len(moved),", "    str(moved) or os.closerange(len(moved),"),
        prints(OTHER_DESCRIPTORS, "[]\n"),
    ),
    "the cleared environment": Layer(
        every(arguments("--clearenv"), harness("child.py", "    os.environ.clear()\n", "")),
        prints(ENVIRONMENT, "None\n"),
    ),
    "the sealed root": Layer(unsealed, prints(WRITE_OUTSIDE, ERRNO["EROFS"])),
    "few binds": Layer(bound("/etc"), prints(FILES_OUTSIDE, ERRNO["ENOENT"])),
    "few devices": Layer(
        lambda made_of: replace(made_of, arguments=(*made_of.arguments, "--dev", "/dev")),
        prints(DEVICES, ERRNO["ENOENT"]),
    ),
    "no terminal among the devices": Layer(
        device("tty"), prints(CALL + "errno_of(lambda: open('/dev/tty'))", ERRNO["ENOENT"])
    ),
    "the terminal's session, behind few devices and the run's own session": Layer(
        arguments("--new-session"),
        writes_to_the_terminal,
        behind=every(device("tty"), harness("child.py", "    os.setsid()\n", "")),
    ),
    "an end with the driver, where the fork server hangs": Layer(arguments("--die-with-parent"), outlives_its_driver),
}

#: The functions whose lines lock a run in, or make the fork server fit to do so, and how those lines begin.
LOCKING = {
    "inside/child.py": (
        ("_descriptors", "_lock_in", "_mounts", "_surroundings", "_limits"),
        ("kernel.", "os.", "signal."),
    ),
    "inside/server.py": (("main", "_own_the_pid_namespace", "_fork"), ("kernel.", "gc.")),
}


def put_on(made_of: jail.Parts) -> dict[str, list[str]]:
    """Each option of bubblewrap with its arguments, and each line that asks something of the kernel or the collector."""
    found: dict[str, list[str]] = {}
    option = ""
    for word in (*made_of.arguments, *made_of.seal):
        option = word if word.startswith("--") else option
        found.setdefault(option, []).append(word)
    for file, (functions, asking) in LOCKING.items():
        for function in ast.walk(ast.parse(made_of.harness[file])):
            if isinstance(function, ast.FunctionDef) and function.name in functions:
                found |= {line: [line] for line in _calls(function, asking)}
    found["kernel.load_seccomp(locks.filter_program)"].append(made_of.filter_program.hex())
    return found


def _calls(function: ast.FunctionDef, asking: tuple[str, ...]) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            line = ast.unparse(node)
            if line.startswith(asking):
                yield line


#: What is put on by something else as well: without ours the attack is still held off.
PUT_ON_TWICE: dict[str, Layer] = {
    "no new privileges, which bubblewrap asks for too": Layer(
        harness("child.py", "    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)\n", ""),
        prints(CALL + "print(libc.prctl(39, 0, 0, 0, 0))", "1\n"),
        behind=no_filter,
    ),
    "the user namespace, which bubblewrap makes for whoever is not root": Layer(
        arguments("--unshare-user"),
        is_the_drivers_user_namespace,
        behind=PROC_OF_THE_JAIL,
    ),
}

#: What is put on and is no layer, or cannot be left out, and why.
NO_LAYER = {
    "--chdir": "where the fork server starts; each run starts in its own folder",
    "--dir": "/dev itself; `few devices` is about what lies in it",
    "--proc": "the fork server needs it; a run has the empty one",
    "--setenv": "for the fork server; the run's four names are set anew",
    "--size": "of the fork server's folder, which each run's own covers",
    "--symlink": "how the system's libraries are laid out",
    "--tmpfs": "the fork server's folder, which each run's own covers",
    "gc.disable()": "the start is quicker",
    "gc.freeze()": "a collection in a run looks at, and so copies, nothing that was imported: less memory, no defence",
    "kernel.be_one_user(user, group)": "without it the namespace has no user, and nothing can be mounted",
    "kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)": "a run ends with its fork server, first of its namespace",
    "kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID)": "without it no run could have a pid namespace",
    "signal.signal(signal.SIGINT, signal.default_int_handler)": "an interrupt of the program's own is as in a terminal",
    "os.environ.update(ENVIRONMENT)": "the four names",
    "os.chdir(HOME)": "a run starts in its own folder",
    "os.umask(18)": "files are made as elsewhere",
    "os.dup2(file, target, inheritable=True)": "the four descriptors themselves",
}
