"""The seccomp profile that docker-compose.yml gives the sandbox's container, put on here without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.sandbox import seccomp
from tests.attacks.attack import GOOD_PRINTS
from tests.attacks.test_hostile_environments import driven

PROFILE = Path(__file__).parents[2] / "docker" / "seccomp.json"

#: Puts the profile on the calling process, as an engine would.
UNDER_THE_PROFILE = f"""
import ctypes, errno, json, pathlib
from bot.sandbox import seccomp
profile = json.loads(pathlib.Path({str(PROFILE)!r}).read_text())
library = seccomp.load_library()
library.seccomp_load.argtypes = [ctypes.c_void_p]
context = library.seccomp_init(0x00050000 | profile["defaultErrnoRet"])
for rule in profile["syscalls"]:
    for name in rule["names"]:
        assert seccomp._rule(library, context, 0x7FFF0000, name), name
assert library.seccomp_load(context) == 0
"""


def names() -> set[str]:
    return {name for rule in json.loads(PROFILE.read_text())["syscalls"] for name in rule["names"]}


@pytest.mark.sandbox
@pytest.mark.slow
def test_the_sandbox_runs_under_the_profile() -> None:
    assert driven(UNDER_THE_PROFILE).startswith(GOOD_PRINTS)


def test_the_profile_allows_what_a_snippet_may_do() -> None:
    assert set(seccomp.ALLOWED) <= names()


@pytest.mark.parametrize(
    "name",
    [
        "bpf", "keyctl", "add_key", "request_key", "perf_event_open", "userfaultfd", "kexec_load", "kexec_file_load",
        "init_module", "finit_module", "delete_module", "reboot", "swapon", "open_by_handle_at", "ptrace",
        "process_vm_readv", "process_vm_writev", "io_uring_setup", "iopl", "ioperm", "settimeofday", "fsopen",
        "move_mount", "open_tree", "mount_setattr", "syslog", "acct", "quotactl", "personality",
    ],
)  # fmt: skip
def test_the_profile_still_forbids(name: str) -> None:
    assert seccomp.number_of(name) > 0
    assert name not in names()


def test_the_profile_is_for_the_processors_that_were_tried() -> None:
    assert json.loads(PROFILE.read_text())["architectures"] == [
        f"SCMP_ARCH_{machine.upper()}" for machine in seccomp.TRIED
    ]
