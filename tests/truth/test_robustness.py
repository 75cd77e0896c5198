"""Whatever happens to the program, the disk or pyrometer itself: the program is unharmed and the capture is saved."""

import os
import pty
import select
import shutil
import signal
import subprocess
import time

import pytest

import capture
from recording import PROGRAMS


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_the_exit_code_is_the_programs(recorder, code):
    assert recorder.run("ending.py", "exit", str(code)).code == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGUSR1])
def test_a_program_that_dies_of_a_signal_is_seen_to(recorder, number):
    assert recorder.run("ending.py", "signal", str(int(number))).code == -number


def test_an_exception_is_the_programs_own(recorder):
    recording = recorder.run("ending.py", "raise")
    assert recording.code == 1
    assert "ValueError: as asked" in recording.errors


def test_streams_arguments_and_path_are_untouched(recorder):
    text = "first\nsecond ünïcode\n"
    recording = recorder.run("ending.py", "echo", "--rate", "-x", "a b", "", options=["-q"], stdin=text)
    assert recording.printed == text
    script = str(recorder.folder / "ending.py")
    program = [line for line in recording.errors.splitlines() if line.startswith('{"argv"')]
    assert len(program) == 1
    assert f'"argv": ["{script}", "echo", "--rate", "-x", "a b", ""]' in program[0]
    assert f'"path0": "{recorder.folder}"' in program[0]
    assert '"name": "__main__"' in program[0]


def test_a_module_and_code_are_run_as_python_runs_them(recorder, pyrometer):
    base = [pyrometer, "run", "-q", "-o", str(recorder.output), "--python", recorder.interpreter.path]
    module = recorder.run_command([*base, "-m", "json.tool"], stdin='{"a": 1}')
    assert (module.code, module.printed.split()) == (0, ["{", '"a":', "1", "}"])
    code = recorder.run_command([*base, "-c", "import sys; print(sys.argv, sys.path[0] == '')", "-q", "x"])
    assert code.printed == "['-c', '-q', 'x'] True\n"


@pytest.mark.versions("3.8", "3.13")
def test_a_program_that_is_killed_leaves_a_capture(recorder):
    for delay in (0.15, 0.31, 0.52, 0.83):
        command = recorder.command("steady.py", options=["--rate", "10khz"])
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        pid = int(process.stdout.readline())
        time.sleep(delay)
        os.kill(pid, signal.SIGKILL)
        printed, errors = process.communicate(timeout=20)
        recording = recorder.finished(printed, errors, process.returncode)
        assert recording.code == -signal.SIGKILL
        assert recording.capture.audit["whole"] > 0
        assert any(recording.capture.first_of(run, frozenset(["steady_work"])) for run in recording.capture.runs)


def read_until(descriptor, wanted, limit=20):
    """What a terminal shows until it shows `wanted`."""
    shown = b""
    until = time.monotonic() + limit
    while wanted not in shown and time.monotonic() < until:
        if select.select([descriptor], [], [], 0.2)[0]:
            try:
                shown += os.read(descriptor, 65536)
            except OSError:
                break
    return shown


def test_control_c_at_the_terminal_reaches_the_program_and_the_capture_is_saved_and_reported(recorder):
    command = recorder.command("interrupted.py")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    shown = read_until(terminal, b"ready")
    time.sleep(0.7)
    os.write(terminal, b"\x03")
    shown += read_until(terminal, b"no such text, so until the end")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert b"interrupted" in shown, shown
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 3, (status, shown)
    recording = recorder.finished("", shown.decode(errors="replace"), 3)
    assert any(recording.capture.first_of(run, frozenset(["work_until_interrupted"])) for run in recording.capture.runs)
    assert "work_until_interrupted" in recording.errors, "the report names what ran"


def test_an_interrupted_recording_of_a_running_process_is_saved_and_the_process_runs_on(recorder, pyrometer):
    target = recorder.interpreter.command(recorder.folder / "steady.py", "--seconds", "30")
    program = subprocess.Popen(target, stdout=subprocess.PIPE, text=True)
    try:
        pid = int(program.stdout.readline())
        command = [pyrometer, "record", "--pid", str(pid), "-o", str(recorder.output)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(1.2)
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=20)
        recording = recorder.finished(printed, errors, process.returncode)
        assert recording.code == 0, errors
        assert recording.capture.audit["whole"] > 300
        assert program.poll() is None, "the program runs on"
    finally:
        program.terminate()
        program.wait(10)


def test_a_recording_that_is_killed_leaves_what_was_written(recorder):
    command = recorder.command("steady.py", "--seconds", "6", options=["--rate", "4khz"])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    pid = int(process.stdout.readline())
    time.sleep(3)
    process.kill()
    process.wait()
    try:
        os.kill(pid, 0)  # the program was not harmed
        taken = capture.read(recorder.executable, recorder.output)
        assert sum(run.samples for run in taken.runs) > 0
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_full_disk_is_said_and_does_not_disturb_the_program(recorder):
    assert os.geteuid() == 0, "this test mounts a small file system, which needs root"
    disk = recorder.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)], check=True)
    try:
        # Room for the first blocks, which hold a second or a few thousand runs each, and for no more.
        (disk / "ballast").write_bytes(bytes(64 * 1024))
        recorder.output = disk / "full.pyro"
        # Different stacks all the time, so that the capture cannot be small.
        command = recorder.command("torn.py", "--seconds", "4", options=["--rate", "20khz"])
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.stdout.startswith('{"calls"'), (done.stdout, done.stderr)
        assert "No space left" in done.stderr or "full" in done.stderr, done.stderr
        # What fitted can be read.
        taken = capture.read(recorder.executable, recorder.output)
        assert taken.runs
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.versions("3.8", "3.11", "3.13")
def test_python_that_a_c_program_loads_late_is_found(recorder):
    prefix = os.path.dirname(os.path.dirname(recorder.interpreter.path))
    version = recorder.interpreter.version
    library = os.path.join(prefix, "lib", f"libpython{version}.so.1.0")
    assert os.path.exists(library), "this test needs an interpreter with a shared library"
    assert shutil.which("cc"), "this test needs a C compiler"
    program = recorder.folder / "late_python"
    subprocess.run(["cc", "-O1", "-o", str(program), str(PROGRAMS / "late_python.c"), "-ldl"], check=True)
    script = str(recorder.folder / "shallow.py")
    target = [str(program), library, "1", script, "--rounds", "12000000"]
    recording = recorder.run_command([recorder.executable, "run", "-o", str(recorder.output), "--", *target])
    assert recording.code == 0
    # It finds its standard library by the library's own place.
    assert recording.program["result"]
    taken = recording.capture
    seen = sum(run.wall_ns for run in taken.runs if taken.first_of(run, frozenset(["work"])))
    assert seen >= 0.8e9 * recording.program["wall"]


@pytest.mark.versions("3.8", "3.13")
def test_five_hundred_threads(recorder):
    recording = recorder.run("many_threads.py", "--threads", "500", "--seconds", "2", options=["--rate", "200"])
    taken = recording.capture
    parked = {run.thread for run in taken.runs if taken.first_of(run, frozenset(["parked"]))}
    assert len(parked) == 499
    assert len({taken.threads[thread]["native_id"] for thread in parked}) == 499
    busy = sum(run.cpu_ns for run in taken.runs if taken.first_of(run, frozenset(["busy"])))
    assert busy >= 0.5 * sum(run.cpu_ns for run in taken.runs)


@pytest.mark.versions("3.8", "3.11", "3.13", "3.15")
def test_recursion_down_to_twenty_thousand_frames(recorder):
    recording = recorder.run("recursion_limit.py", "--depth", "20000", "--seconds", "1.5", options=["--rate", "100"])
    assert recording.code == 0
    taken = recording.capture
    deepest = [run for run in taken.runs if (frames := taken.frames(run.stack)) and frames[-1].name == "work"]
    working = sum(run.wall_ns for run in deepest)
    assert working >= 0.5e9
    depths = {len(taken.python_frames(run.stack)) for run in deepest if run.whole}
    # threading's own frames stand below `descend`.
    assert all(20_000 <= depth <= 20_010 for depth in depths), depths


def test_a_program_that_hits_the_recursion_limit_carries_on(recorder):
    recording = recorder.run("recursion_error.py", "--seconds", "1.5", options=["--rate", "4khz"])
    assert recording.code == 0
    assert recording.program["errors"] > 10
    assert recording.capture.audit["whole"] > 0


def test_a_program_that_ends_at_once_is_no_error(recorder):
    recording = recorder.run("empty.py")
    assert recording.code == 0
    assert recording.printed == ""


def test_a_command_that_never_becomes_python_is_said(recorder):
    command = [recorder.executable, "run", "-o", str(recorder.output), "--", "sh", "-c", "exit 7"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 7
    assert "python" in done.stderr.lower()


