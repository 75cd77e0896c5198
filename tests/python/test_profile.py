"""Real recordings of this process, through the front door. Shares are of CPU time, so that a busy machine changes nothing."""

import asyncio
import io
import json
import os
import pstats
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

import pyrometer
from pyrometer import _executable

PACKAGES = str(Path(pyrometer.__file__).parents[1])


def spin(seconds):
    """Uses so much CPU time of this thread."""
    end = time.thread_time() + seconds
    value = 0
    while time.thread_time() < end:
        for number in range(2000):
            value = (value * 31 + number) % 65_537
    return value


def major(seconds):
    end = time.thread_time() + seconds
    value = 0
    while time.thread_time() < end:
        for number in range(2000):
            value = (value * 31 + number) % 65_537
    return value


def minor(seconds):
    end = time.thread_time() + seconds
    value = 0
    while time.thread_time() < end:
        for number in range(2000):
            value = (value * 31 + number) % 65_537
    return value


def own(profile, **question):
    """The part of CPU time of each function of this file, by name."""
    functions = profile.functions(view="cpu", **question)
    return {function.qualified_name: function.own.share for function in functions if function.file == __file__}


@pytest.fixture
def profiles():
    """What decorated functions found, in order."""
    return []


def test_a_block_finds_the_known_split():
    with pyrometer.profile(required=True) as p:
        for _ in range(15):
            major(0.075)
            minor(0.025)
    found = own(p)
    assert abs(found["major"] - 0.75) < 0.06
    assert abs(found["minor"] - 0.25) < 0.06
    first, second = p.functions(view="cpu")[:2]
    assert (first.qualified_name, second.qualified_name) == ("major", "minor")
    assert first.own.low <= first.own.share <= first.own.high
    assert first.first_line == major.__code__.co_firstlineno
    (hottest,) = sorted(p.lines("major", view="cpu"), key=lambda line: line.own.share)[-1:]
    assert "value * 31" in hottest.source or "for number" in hottest.source
    assert 1.0 <= p.seconds


def test_the_report_is_text_for_people_and_values_for_programs():
    with pyrometer.profile(required=True) as p:
        spin(0.3)
    file = io.StringIO()
    p.report(file=file)
    text = file.getvalue()
    assert "RED" in text and "spin" in text and "AUDIT" in text
    assert "\x1b" not in text
    assert "p.report(tree=True)" in text and "p.save('flame.svg')" in text
    assert "capture.pyro" not in text
    assert "\x1b" in p.text(color="always")
    assert p.text(width=60) != p.text(width=120)
    values = p.report(json=True)
    assert values == p.to_dict()
    assert values["schema"].startswith("pyrometer.")
    assert json.loads(json.dumps(values)) == values


def test_it_is_printed_on_standard_error(capsys):
    with pyrometer.profile(required=True, report_on_exit=True):
        spin(0.05)
    captured = capsys.readouterr()
    assert "spin" in captured.err
    assert captured.out == ""


def test_saving_in_other_formats(tmp_path):
    with pyrometer.profile(required=True) as p:
        spin(0.3)
    assert p.save(tmp_path / "capture.pyro") == str(tmp_path / "capture.pyro")
    assert "pyrometer report " + str(tmp_path / "capture.pyro") in p.text()
    p.save(tmp_path / "flame.svg", title="the title")
    assert "the title" in (tmp_path / "flame.svg").read_text()
    p.save(tmp_path / "any.name", format="pstats")
    names = {name for _, _, name in pstats.Stats(str(tmp_path / "any.name")).stats}
    assert "spin" in names
    with pytest.raises(pyrometer.Error):
        p.save(tmp_path / "any.name", format="nonsense")
    with pytest.raises((pyrometer.Error, OSError)):
        p.save(tmp_path / "missing" / "flame.svg")


def test_output_is_saved_at_the_end(tmp_path):
    with pyrometer.profile(required=True, output=tmp_path / "flame.svg"):
        spin(0.05)
    assert "<svg" in (tmp_path / "flame.svg").read_text()
    with pytest.warns(pyrometer.PyrometerWarning, match="not shown or saved"):
        with pyrometer.profile(required=True, output=tmp_path / "missing" / "flame.svg"):
            pass


def test_a_decorated_function(profiles):
    @pyrometer.profile(required=True, on_exit=profiles.append)
    def work(depth, seconds):
        """Says what it does."""
        if depth:
            return work(depth - 1, seconds) + 1
        spin(seconds)
        return 0

    assert work.__name__ == "work" and work.__doc__ == "Says what it does."
    assert work(5, 0.2) == 5
    assert work(0, seconds=0.2) == 0
    assert len(profiles) == 2
    assert all(own(p)["spin"] > 0.9 for p in profiles)


def test_a_decorated_function_without_options_is_reported(capsys):
    @pyrometer.profile
    def work():
        spin(0.05)

    work()
    assert "spin" in capsys.readouterr().err


def test_decorated_methods(profiles):
    watched = pyrometer.profile(required=True, on_exit=profiles.append)

    class Worker:
        @watched
        def method(self):
            return self, spin(0.05)

        @watched
        @classmethod
        def of_class(cls):
            return cls, spin(0.05)

        @staticmethod
        @watched
        def static():
            return None, spin(0.05)

    worker = Worker()
    assert [worker.method()[0], worker.of_class()[0], worker.static()[0]] == [worker, Worker, None]
    assert len(profiles) == 3
    with pytest.raises(TypeError, match="decorates functions"):
        pyrometer.profile(Worker)


def test_a_decorated_function_that_raises(profiles):
    @pyrometer.profile(required=True, on_exit=profiles.append)
    def work():
        spin(0.1)
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        work()
    assert own(profiles[0])["spin"] > 0.9


def test_a_decorated_generator(profiles):
    @pyrometer.profile(required=True, on_exit=profiles.append)
    def work():
        while True:
            try:
                spin(0.05)
                received = yield "ready"
                assert received == "go"
            except KeyError:
                return "returned"

    items = work()
    assert not profiles
    assert next(items) == "ready"
    assert items.send("go") == "ready"
    with pytest.raises(StopIteration) as stop:
        items.throw(KeyError())
    assert stop.value.value == "returned"
    assert own(profiles[0])["spin"] > 0.8

    items = work()
    next(items)
    items.close()
    assert len(profiles) == 2


def test_a_decorated_coroutine(profiles):
    ticks = []

    @pyrometer.profile(required=True, on_exit=profiles.append)
    async def work(depth):
        if depth:
            return await work(depth - 1)
        for _ in range(10):
            spin(0.02)
            await asyncio.sleep(0)
        return "done"

    async def ticking():
        while True:
            ticks.append(1)
            await asyncio.sleep(0)

    async def main():
        beside = asyncio.ensure_future(ticking())
        result = await work(3)
        beside.cancel()
        return result

    assert asyncio.run(main()) == "done"
    assert len(profiles) == 1
    assert len(ticks) >= 10
    assert own(profiles[0])["spin"] > 0.5


def test_an_asynchronous_block_does_not_block_the_loop():
    async def main():
        ticks = 0
        began = asyncio.Event()

        async def ticking():
            nonlocal ticks
            while not began.is_set():
                ticks += 1
                await asyncio.sleep(0)

        beside = asyncio.ensure_future(ticking())
        async with pyrometer.profile(required=True) as p, pyrometer.profile(required=True) as q:
            began.set()
            spin(0.2)
        await beside
        return p, q, ticks

    p, q, ticks = asyncio.run(main())
    assert ticks > 1
    assert own(p)["spin"] > 0.8 and own(q)["spin"] > 0.8


def test_a_decorated_asynchronous_generator(profiles):
    closed = []

    @pyrometer.profile(required=True, on_exit=profiles.append)
    async def work():
        try:
            for _ in range(3):
                spin(0.05)
                try:
                    yield "item"
                except KeyError:
                    yield "caught"
        finally:
            closed.append(1)

    async def main():
        assert [item async for item in work()] == ["item"] * 3
        items = work()
        assert await items.__anext__() == "item"
        assert await items.athrow(KeyError()) == "caught"
        assert await items.asend(None) == "item"
        await items.aclose()

    asyncio.run(main())
    assert len(closed) == 2
    assert len(profiles) == 2
    assert own(profiles[0])["spin"] > 0.8


def test_threads_are_all_seen_and_one_can_be_chosen():
    def other():
        minor(0.4)

    with pyrometer.profile(thread="current", required=True) as p:
        thread = threading.Thread(target=other)
        thread.start()
        major(0.4)
        thread.join()
    mine = own(p)
    assert mine["major"] > 0.9 and "minor" not in mine
    theirs = own(p, thread=thread)
    assert theirs["minor"] > 0.9 and "major" not in theirs
    both = own(p, thread=[thread, "current"])
    assert abs(both["major"] - both["minor"]) < 0.2


def test_a_profile_of_another_thread_s_making():
    found = []

    def work():
        with pyrometer.profile(thread="current", required=True) as p:
            minor(0.2)
        found.append(own(p))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert all(mine["minor"] > 0.9 for mine in found)


def test_each_nested_profile_has_its_own_window():
    with pyrometer.profile(required=True) as outer:
        major(0.3)
        with pyrometer.profile(required=True) as inner:
            minor(0.3)
        while_outer_runs = own(inner)
        major(0.3)
    assert inner._recorder is outer._recorder
    assert while_outer_runs["minor"] > 0.9
    assert own(inner)["minor"] > 0.9
    found = own(outer)
    assert 1.5 < found["major"] / found["minor"] < 2.5
    first_half = own(inner, until=inner.seconds / 2)
    assert first_half["minor"] > 0.9


def test_a_running_profile_can_be_asked():
    with pyrometer.profile(required=True) as p:
        minor(0.2)
        assert own(p)["minor"] > 0.6
        major(0.6)
    found = own(p)
    assert found["major"] > 2 * found["minor"]


def test_start_and_stop():
    started = pyrometer.start(required=True, rate="2khz")
    spin(0.2)
    assert pyrometer.stop() is started
    assert own(started)["spin"] > 0.9


def test_subprocesses_are_seen():
    program = (
        f"import sys; sys.path.insert(0, {PACKAGES!r})\n"
        + "def child_work(end):\n while time.thread_time() < end:\n  for _ in range(5000): pass\n"
    )
    program += "import time; child_work(0.5)"
    with pyrometer.profile(subprocesses=True, required=True) as p:
        subprocess.run([sys.executable, "-c", program], check=True)
    names = {function.qualified_name for function in p.functions(view="cpu")}
    assert "child_work" in names


FORKING = """
import os, sys, time, pyrometer
def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for _ in range(5000): pass
with pyrometer.profile(required=True) as p:
    spin(0.1)
    child = os.fork()
    if not child:
        with pyrometer.profile(required=True) as mine:
            spin(0.2)
        assert mine.functions()[0].qualified_name == "spin"
    else:
        spin(0.1)
        assert os.waitpid(child, 0)[1] == 0
        spin(0.1)
if child:
    assert p.functions(view="cpu")[0].qualified_name == "spin"
    print("fine")
"""


def run_python(program, python=sys.executable, **options):
    environment = {**os.environ, "PYTHONPATH": PACKAGES, **options.pop("environment", {})}
    return subprocess.run([python, "-c", program], env=environment, capture_output=True, text=True, **options)


FORKED_WORK = """
import os, time, pyrometer
def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for _ in range(5000): pass
def of_the_child(): spin(0.4)
def of_the_parent(): spin(0.2)
with pyrometer.profile(subprocesses=True, required=True) as p:
    child = os.fork()
    if child == 0:
        of_the_child()
        os._exit(0)
    os.waitpid(child, 0)
    of_the_parent()
total = {function.qualified_name: function.total.share for function in p.functions(view="cpu")}
assert 1.3 < total["of_the_child"] / total["of_the_parent"] < 3, total
mine = {function.qualified_name for function in p.functions(view="cpu", process=os.getpid())}
assert "of_the_parent" in mine and "of_the_child" not in mine
processes = p.to_dict(processes=True)["processes"]
assert sorted(process["pid"] for process in processes if process["threads"]) == sorted([os.getpid(), child])
print("fine")
"""


def test_a_forked_child_is_in_the_profile_when_asked_for():
    done = run_python(FORKED_WORK)
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")


def test_a_fork_in_the_block():
    done = run_python(FORKING)
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")


WORK = """
import os, time, pyrometer
def hot(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for _ in range(5000): pass
"""


def test_the_end_of_the_program_stops_and_shows_it(tmp_path):
    done = run_python(WORK + "pyrometer.start()\nhot(0.2)\nraise SystemExit(7)")
    assert done.returncode == 7
    assert "RED" in done.stderr and "hot" in done.stderr
    done = run_python(WORK + f"pyrometer.start(output={str(tmp_path / 'x.svg')!r})\nhot(0.2)\n1 / 0")
    assert "ZeroDivisionError" in done.stderr
    assert "hot" in (tmp_path / "x.svg").read_text()


def test_the_program_s_sudden_end_ends_the_recorder(tmp_path):
    program = WORK + "p = pyrometer.start(required=True)\nprint(p._recorder.pid, flush=True)\nhot(0.05)\nos._exit(0)"
    done = run_python(program, environment={"TMPDIR": str(tmp_path)})
    # The recorder is nobody's child now, so that it can only be looked for. It holds standard output's pipe no longer.
    deadline = time.monotonic() + 30
    while Path(f"/proc/{int(done.stdout)}/cmdline").exists() and time.monotonic() < deadline:
        os.sched_yield()
    assert not Path(f"/proc/{int(done.stdout)}/cmdline").exists()


def test_nothing_can_be_written_where_the_program_runs(tmp_path):
    done = run_python(WORK + "with pyrometer.profile(required=True) as p: hot(0.1)\nprint(p.text())", cwd="/proc")
    assert "hot" in done.stdout, done.stderr


NOBODY = 65534


@pytest.fixture
def public():
    """A folder that everyone can use, with the package, the executable and a folder to write to."""
    folder = Path(tempfile.mkdtemp(prefix="pyrometer-public-", dir="/tmp"))
    folder.chmod(0o755)
    shutil.copytree(Path(pyrometer.__file__).parent, folder / "pyrometer")
    shutil.copy(_executable.find(), folder / "executable")
    (folder / "temporary").mkdir()
    (folder / "temporary").chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def as_nobody(folder, program):
    """Runs a program with no user's rights and no capability, in a Python that such a one may read."""
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": str(folder),
        "PYROMETER_BIN": str(folder / "executable"),
        "TMPDIR": str(folder / "temporary"),
    }
    drop = [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        "--bounding-set=-all",
        "--inh-caps=-all",
    ]
    for python in (sys.executable, os.path.realpath(sys.executable), "/usr/bin/python3", "/usr/local/bin/python3"):
        command = [*drop, python, "-c"]
        if subprocess.run([*command, "pass"], env=environment, cwd="/", stderr=subprocess.DEVNULL).returncode == 0:
            return subprocess.run([*command, program], env=environment, cwd="/", capture_output=True, text=True)
    pytest.skip("no Python here that nobody may run")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_no_privileges_are_needed(public):
    done = as_nobody(public, WORK + "with pyrometer.profile() as p: hot(0.2)\np.report()")
    assert done.returncode == 0, done.stderr
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    if scope.exists() and scope.read_text().strip() in ("2", "3"):
        assert "ptrace_scope" in done.stderr
    else:
        assert "RED" in done.stderr and "hot" in done.stderr
    assert not list((public / "temporary").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_a_program_that_may_not_be_read_is_told_why_and_goes_on(public):
    """One that forbids to be dumped, as the kernel makes those that change their user, may be read by root alone."""
    forbid = "import ctypes\nassert ctypes.CDLL(None).prctl(4, 0, 0, 0, 0) == 0  # PR_SET_DUMPABLE\n"
    program = WORK + forbid + "with pyrometer.profile() as p: hot(0.1)\np.report()\nprint('went on')"
    done = as_nobody(public, program)
    assert done.stdout == "went on\n"
    warning, _, _ = done.stderr.partition("not profiled: cannot sample")[2].partition("not profiled")
    assert "not dumpable" in warning and warning.count("hint: ") == 1, done.stderr


PROFILED = (
    WORK
    + """
with pyrometer.profile(required=True) as p:
    hot(0.3)
first = p.functions(view="cpu")[0]
assert first.qualified_name == "hot", first
assert first.total.share > 0.8, first

@pyrometer.profile(required=True, on_exit=lambda profile: print(profile.functions(view="cpu")[0].qualified_name))
async def work():
    hot(0.2)

import asyncio
asyncio.run(work())
"""
)


def interpreters():
    script = Path(__file__).parents[2] / "scripts" / "interpreters"
    lines = subprocess.run([script], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split() for line in lines if line.split()[0] != "3.8"]


@pytest.mark.parametrize(("version", "python", "root"), interpreters())
def test_every_interpreter(version, python, root, tmp_path):
    if root == "-":
        done = run_python(PROFILED, python)
    else:
        folder = Path(tempfile.mkdtemp(prefix="pyrometer-python-", dir=f"{root}/tmp"))
        try:
            shutil.copytree(Path(pyrometer.__file__).parent, folder / "pyrometer")
            shutil.copy(_executable.find(), folder / "executable")
            inside = "/" + str(folder.relative_to(root))
            environment = {**os.environ, "PYTHONPATH": inside, "PYROMETER_BIN": f"{inside}/executable"}
            mounts = (
                f'mount -t proc proc {root}/proc && mount --bind /dev {root}/dev && exec chroot {root} {python} -c "$0"'
            )
            done = subprocess.run(
                ["unshare", "--mount", "sh", "-c", mounts, PROFILED], env=environment, capture_output=True, text=True
            )
        finally:
            shutil.rmtree(folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "hot\n", "")
