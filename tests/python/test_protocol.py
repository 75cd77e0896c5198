"""What the package does when the recorder refuses, hangs, dies or is not told the truth.

A recorder that misbehaves at will is a shell script that speaks the protocol of `python/pyrometer/_recorder.py`.
"""

import gc
import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import pyrometer
from pyrometer import _recorder

# Obeys, and writes down the flags that it was started with. `report` prints the flags that it was given.
OBEDIENT = """
case "$1" in
report) echo "$@"; exit 0 ;;
esac
echo "$@" >> "$(dirname "$0")/started"
echo ready >&3
while true; do
    case "$(dd bs=1 count=1 <&4 2>/dev/null)" in
    f) echo flushed >&3 ;;
    *) exit 0 ;;
    esac
done
"""


@pytest.fixture
def recorder(monkeypatch, tmp_path):
    """Makes a script the executable, and tells what it was started with."""
    # What earlier tests have left in circles of references still has its processes and files.
    gc.collect()
    path = tmp_path / "recorder"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("PYROMETER_BIN", str(path))

    class Script:
        folder = temporary

        def __init__(self, text=OBEDIENT):
            path.write_text(f"#!/bin/sh\n{text}")
            path.chmod(0o755)

        @property
        def started(self):
            file = tmp_path / "started"
            return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    return Script


def open_files():
    return set(os.listdir("/proc/self/fd"))


def report(profile, **question):
    file = io.StringIO()
    profile.report(file=file, **question)
    return file.getvalue().split()


def test_options_become_flags(recorder):
    script = recorder()
    with pyrometer.profile(rate="2khz", budget="1%", subprocesses=True, required=True) as p:
        pass
    (flags,) = script.started
    assert flags[:3] == ["record", "--pid", str(os.getpid())]
    assert flags[-5:] == ["--rate", "2khz", "--budget", "1%", "--subprocesses"]
    words = report(p, view="cpu", thread=["a", 7], idle=True, tree=False, limit=3, since=0.5)
    assert words[2:] == "--view cpu --thread a --thread 7 --idle --limit 3 --since 0.500000000".split()
    with pytest.raises(TypeError, match="no such option: 'veiw'"):
        p.text(veiw="cpu")


def test_current_thread_is_the_one_that_starts_it(recorder):
    recorder()
    found = []

    def work():
        with pyrometer.profile(thread="current", required=True) as p:
            pass
        found.append((p, threading.get_native_id()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    ((p, native_id),) = found
    assert report(p)[2:] == ["--thread", str(native_id)]
    assert report(p, thread="MainThread")[2:] == ["--thread", "MainThread"]


def test_profiles_share_a_recorder_when_they_can(recorder):
    script = recorder()
    with pyrometer.profile(rate=1000) as outer, pyrometer.profile() as inner:
        assert len(script.started) == 1
        with pyrometer.profile(rate=50), pyrometer.profile(subprocesses=True):
            assert len(script.started) == 3
    assert "--until" in report(inner)
    assert "--until" not in report(outer)
    with pyrometer.profile(rate=1000):
        assert len(script.started) == 4


def test_a_profile_can_be_asked_while_it_runs(recorder):
    recorder()
    with pyrometer.profile(required=True) as p:
        assert p.running
        assert "--until" in report(p)
        assert "--until" in report(p)
    assert not p.running


def test_many_threads_at_once(recorder):
    script = recorder()
    barrier = threading.Barrier(20)
    failures = []

    def work():
        try:
            for _ in range(5):
                barrier.wait()
                with pyrometer.profile(required=True) as p:
                    barrier.wait()
                    assert "--until" in report(p)
        except BaseException as error:
            failures.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(script.started) == 5
    assert not _recorder._running


REFUSAL = 'echo "error: cannot read process 7: not permitted" >&3; echo "hint: ask your administrator" >&3; echo "pyrometer: error: again" >&2; exit 1'


def test_a_refusal_is_a_warning_and_the_block_runs(recorder):
    recorder(REFUSAL)
    ran = []
    with pytest.warns(
        pyrometer.PyrometerWarning, match="cannot read process 7: not permitted\nhint: ask your"
    ) as caught:
        with pyrometer.profile() as p:
            ran.append(1)
    assert ran == [1]
    assert [warning.filename for warning in caught] == [__file__]
    assert report(p)[:3] == ["not", "profiled:", "cannot"]
    with pytest.raises(pyrometer.Error, match="cannot read process 7"):
        p.to_dict()
    with pytest.raises(pyrometer.Error, match="cannot read process 7"):
        p.save("x.svg")


def test_a_refusal_is_an_error_when_it_is_required(recorder):
    script = recorder(REFUSAL)
    before = open_files()
    with pytest.raises(pyrometer.Error) as caught:
        with pyrometer.profile(required=True):
            raise AssertionError("the block must not run")
    assert caught.value.hint == "ask your administrator"
    del caught
    assert open_files() == before
    assert not list(script.folder.iterdir())
    assert not _recorder._running


@pytest.mark.parametrize("script", ["exit 3", "kill -9 $$", "exec 3>&- 2>&-; exit 0"])
def test_a_recorder_that_ends_without_a_word(recorder, script):
    recorder(script)
    with pytest.raises(pyrometer.Error, match="ended before it began"):
        pyrometer.profile(required=True).start()


def test_a_recorder_that_never_begins_is_ended(recorder, monkeypatch):
    monkeypatch.setattr(_recorder, "READY_TIMEOUT", 0.05)
    recorder("exec sleep 1000")
    with pytest.raises(pyrometer.Error, match="did not begin within"):
        pyrometer.profile(required=True).start()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_recorder_that_does_not_end_is_ended(recorder, monkeypatch):
    monkeypatch.setattr(_recorder, "FINISH_TIMEOUT", 0.05)
    recorder('[ "$1" = report ] && exit 0; echo ready >&3; exec sleep 1000')
    with pyrometer.profile(required=True) as p:
        pass
    with pytest.warns(pyrometer.PyrometerWarning, match="ended by signal 9"):
        p.text()


def test_a_recorder_that_is_killed_is_a_warning(recorder):
    script = recorder()
    with pyrometer.profile(required=True) as p:
        os.kill(p._recorder.pid, signal.SIGKILL)
        with pytest.warns(
            pyrometer.PyrometerWarning, match="ended by signal 9; what it had recorded until then is kept"
        ):
            p.text()
        assert p.text()
        with pyrometer.profile(required=True):
            assert len(script.started) == 2


def test_what_it_says_at_the_end_is_a_warning(recorder):
    recorder(
        '[ "$1" = report ] && exit 0; echo ready >&3; dd bs=1 count=1 <&4 2>/dev/null; echo "disk full" >&2; exit 1'
    )
    with pyrometer.profile(required=True) as p:
        pass
    with pytest.warns(pyrometer.PyrometerWarning, match="status 1; .*disk full"):
        p.text()


def test_notes_before_it_begins_are_no_failure(recorder):
    recorder(
        '[ "$1" = report ] && exit 0; echo "pyrometer: note: so be it" >&2; echo ready >&3; dd bs=1 count=1 <&4 2>/dev/null'
    )
    with pyrometer.profile(required=True) as p:
        pass
    with pytest.warns(pyrometer.PyrometerWarning, match="^pyrometer: note: so be it$"):
        p.text()


def test_an_exception_goes_through(recorder):
    recorder()
    with pytest.raises(ZeroDivisionError):
        with pyrometer.profile(required=True) as p:
            1 / 0
    assert not p.running
    assert report(p)


def test_an_interrupt_while_it_starts_leaves_nothing_behind(recorder, monkeypatch):
    script = recorder()

    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(_recorder.Recorder, "wait_ready", interrupt)
    before = open_files()
    with pytest.raises(KeyboardInterrupt):
        pyrometer.profile().start()
    assert not _recorder._running
    assert open_files() == before
    assert not list(script.folder.iterdir())


def test_nothing_is_left_behind(recorder):
    script = recorder()
    with pyrometer.profile(required=True):
        pass
    before = open_files()
    for _ in range(10):
        with pyrometer.profile(required=True) as p:
            with pyrometer.profile():
                pass
        report(p)
    del p
    assert open_files() == before
    assert not list(script.folder.iterdir())
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_start_and_stop(recorder):
    recorder()
    with pytest.raises(pyrometer.Error, match="was not called"):
        pyrometer.stop()
    started = pyrometer.start(required=True)
    with pytest.raises(pyrometer.Error, match="was called before"):
        pyrometer.start()
    assert pyrometer.stop() is started
    with pytest.raises(pyrometer.Error, match="was not called"):
        pyrometer.stop()


def test_a_profile_can_be_started_again(recorder):
    recorder()
    p = pyrometer.profile(required=True)
    with pytest.raises(pyrometer.Error, match="never started"):
        p.text()
    with p:
        with pytest.raises(pyrometer.Error, match="runs already"):
            p.start()
    first = report(p)
    with p:
        pass
    assert report(p)[1] != first[1]
    p.stop()


def test_the_terminal_s_interrupt_does_not_reach_the_recorder(recorder):
    recorder()
    with pyrometer.profile(required=True) as p:
        assert os.getpgid(p._recorder.pid) != os.getpgid(0)


def test_the_default_sigpipe_does_not_end_the_program(recorder):
    recorder()
    program = """
import os, signal, warnings, pyrometer
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
with pyrometer.profile(required=True) as p:
    os.kill(p._recorder.pid, 9)
    os.waitpid(p._recorder.pid, 0)
p.stop()
print("alive")
"""
    assert run_python(program).stdout == "alive\n"


def test_no_temporary_folder_is_said_by_name(recorder, monkeypatch):
    recorder()

    def refuse(path, mode):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(pyrometer.Error, match="no folder for the capture: .*Permission denied"):
        pyrometer.profile(required=True).start()


def test_yama_is_told_of_the_recorder_and_told_to_forget_it(recorder, monkeypatch, tmp_path):
    recorder()
    scope = tmp_path / "scope"
    scope.write_text("1\n")
    monkeypatch.setattr(_recorder._ptracer, "SCOPE_FILE", str(scope))
    allowed = []
    monkeypatch.setattr(_recorder._ptracer, "allow", allowed.append)
    with pyrometer.profile(required=True) as p:
        pid = p._recorder.pid
        with pyrometer.profile(rate=5):
            assert allowed == [os.getpid(), pid, os.getpid()]
    assert allowed[3:] == [0]
    scope.write_text("0\n")
    with pyrometer.profile(required=True):
        pass
    assert len(allowed) == 4


def run_python(program, *arguments, **options):
    path = os.pathsep.join([str(Path(pyrometer.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, **options}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment, capture_output=True, text=True, check=True
    )


def test_a_profile_that_still_runs_at_exit_is_shown(recorder):
    recorder()
    done = run_python("import pyrometer; pyrometer.start()")
    assert done.stderr.startswith("report ")
    done = run_python("import pyrometer; pyrometer.start(report_on_exit=False)")
    assert done.stderr == ""


FORKING = """
import os, sys, warnings, pyrometer
warnings.simplefilter("error")
with pyrometer.profile(required=True) as p:
    child = os.fork()
    if child == 0:
        assert not p.running
        try:
            p.text()
        except pyrometer.Error as error:
            assert "belongs to process" in str(error), error
        else:
            sys.exit("the child could read the parent's profile")
        with pyrometer.profile(required=True) as mine:
            pass
        assert mine.text()
    else:
        assert os.waitpid(child, 0)[1] == 0
        assert p._recorder.alive()
        assert p.running
        assert "--until" in p.text()
if child:
    print(p.text())
"""


def test_a_forked_child_leaves_the_parent_s_profile_alone(recorder):
    script = recorder()
    done = run_python(FORKING)
    assert done.stderr == ""
    assert done.stdout.startswith("report ")
    first, second = script.started
    assert first[2] != second[2]
    assert not list(script.folder.iterdir())


def test_forks_while_other_threads_start_profiles(recorder):
    recorder()
    program = """
import os, threading, warnings, pyrometer
warnings.simplefilter("ignore", DeprecationWarning)
done = threading.Event()
def work():
    while not done.is_set():
        with pyrometer.profile(required=True):
            pass
# Loaded before: a fork in the middle of another thread's import leaves that module locked in the child for ever.
pyrometer.profile
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
for _ in range(20):
    child = os.fork()
    if not child:
        with pyrometer.profile(required=True):
            pass
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
done.set()
for thread in threads: thread.join()
"""
    assert run_python(program).stderr == ""
