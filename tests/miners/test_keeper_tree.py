"""Who belongs to a program: the two ways to look must agree, and strangers are never members."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from ranvier.miners.keeper import keeper_tree as tree


@pytest.fixture
def family():
    """A leader with a child in another session, both marked."""
    code = (
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        "start_new_session=True); print(p.pid, flush=True); time.sleep(60)"
    )
    environment = {**os.environ, tree.MARK: "1-2"}
    leader = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True, env=environment
    )
    child = int(leader.stdout.readline())
    yield leader.pid, child
    os.kill(child, 9)
    leader.kill()
    leader.wait()
    leader.stdout.close()


def test_identity_agrees_with_psutil(family) -> None:
    for pid in (os.getpid(), family[0]):
        start = tree.token(pid)
        assert abs(tree.started_at(start) - psutil.Process(pid).create_time()) < 0.05
    assert tree.age_s(tree.token(family[0])) < 30
    assert tree.token(2**22 + 1) == ""


def test_members_by_descent_and_by_mark(family) -> None:
    leader, child = family
    assert set(tree.members(leader, "1-2", ours=False)) == {child}
    assert tree.members(leader, "no such mark", ours=False).keys() == {child}
    assert set(tree.members(0, "1-2", ours=False)) == {leader, child}  # the leader is not known: the mark finds both
    assert tree.members(0, "no such mark", ours=False) == {}
    assert tree.members(1, "no such mark", ours=False) == {}  # never the descendants of the system's first process
    assert tree.marked("1-2") == [leader, child]
    assert tree.leads_session(leader) and tree.leads_session(child) and not tree.has_mark(os.getpid(), "1-2")


def test_ps_tells_the_same_as_proc(family) -> None:
    """macOS has no /proc; its ps and this one take the same options."""
    leader, child = family
    seen = tree._from_ps(["-ax"])
    assert seen[child].parent == leader and seen[child].group == child
    assert not seen[leader].zombie
    assert abs(float(seen[leader].token) - time.time()) < 60


def test_a_zombie_is_not_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert tree.token(process.pid) == ""
    process.wait()
