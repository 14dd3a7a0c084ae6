"""Finding out where a control group may be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox import cgroup

LISTING = "9:name=systemd:/user\n8:pids:/\n4:memory:/a/b\n3:cpu,cpuacct:/c\n0::/x/leaf\n"
MOUNTS = {
    "memory": Path("/sys/fs/cgroup/memory"),
    "pids": Path("/sys/fs/cgroup/pids"),
    "": Path("/sys/fs/cgroup"),
}


def test_the_own_folder_of_each_hierarchy_is_found() -> None:
    assert cgroup._own_folders(LISTING, MOUNTS) == {
        "pids": Path("/sys/fs/cgroup/pids"),
        "memory": Path("/sys/fs/cgroup/memory/a/b"),
        "": Path("/sys/fs/cgroup/x/leaf"),
    }


def test_without_any_hierarchy_there_is_no_group() -> None:
    assert cgroup._version_1({}, "x", 1) is None
    assert cgroup._version_2({}, "x", 1) is None


def test_a_version_2_folder_that_was_not_delegated_is_left_alone(tmp_path: Path) -> None:
    leaf = tmp_path / "leaf"
    leaf.mkdir()

    with pytest.raises(OSError, match=r"leaf|No data|not supported"):
        cgroup._version_2({"": leaf}, "x", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["leaf"]


def test_a_group_made_here_is_limited_and_can_be_removed() -> None:
    group = cgroup.make(memory_bytes=512 << 20)
    if group is None:
        pytest.skip("no control group can be made here")

    assert group.kills() == 0
    assert all(folder.is_dir() for folder in group.folders)
    group.remove()

    assert not any(folder.exists() for folder in group.folders)


def test_groups_of_a_living_process_are_not_swept_away(tmp_path: Path) -> None:
    ours, dead, other = tmp_path / "autograd-bot-1-0", tmp_path / "autograd-bot-999999999-0", tmp_path / "system"
    for folder in (ours, dead, other):
        folder.mkdir()

    cgroup._remove_left_overs(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["autograd-bot-1-0", "system"]
