"""Child processes: sampled under their own process ids with --subprocesses, counted in any case."""

import pytest


def working_pids(taken, function):
    """The wall time in which a function stood on a stack, by process id."""
    pids = {}
    for run in taken.runs:
        if taken.first_of(run, frozenset([function])):
            pids[taken.pid(run)] = pids.get(taken.pid(run), 0) + run.wall_ns
    return pids


@pytest.mark.parametrize("how", ["fork", "spawn", "pool", "subprocess"])
def test_each_child_is_sampled_under_its_own_process_id(recorder, how):
    recording = recorder.run("children.py", how, "--count", "3", "--seconds", "0.5", options=["--subprocesses"])
    children = recording.program["children"]
    found = working_pids(recording.capture, "child_work")
    assert set(found) == set(children)
    assert all(wall >= 0.2e9 for wall in found.values()), found
    assert recording.capture.audit["processes_seen"] >= 1 + len(children)


def test_without_subprocesses_children_are_left_alone(recorder):
    recording = recorder.run("children.py", "fork", "--count", "2", "--seconds", "0.3")
    assert set(working_pids(recording.capture, "child_work")) <= {recording.program["parent"]}


@pytest.mark.versions("3.8", "3.13")
def test_a_program_that_replaces_itself_is_followed(recorder):
    recording = recorder.run("children.py", "exec", "--seconds", "0.7")
    pid = recording.program["parent"]
    for function in ("parent_work", "child_work"):
        assert working_pids(recording.capture, function).get(pid, 0) >= 0.3e9, function
    assert recording.code == 0


def test_a_thousand_short_children_are_counted(recorder):
    recording = recorder.run("children.py", "many", "--count", "1000", options=["--subprocesses"])
    audit = recording.capture.audit
    assert recording.program["children"] == 1000
    assert recording.code == 0
    # A child that lives for less than the time between two looks at the process table cannot be seen; most are.
    assert audit["processes_seen"] >= 500, audit
    assert recording.program["parent"] in working_pids(recording.capture, "parent_work")


def test_a_thousand_forks_do_no_harm(recorder):
    recording = recorder.run("children.py", "many", "--count", "1000")
    assert recording.code == 0
    found = working_pids(recording.capture, "parent_work")
    assert set(found) == {recording.program["parent"]}
