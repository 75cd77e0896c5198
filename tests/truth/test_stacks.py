"""Stacks are lost rarely and never shown wrong."""

import pytest

from legality import in_torn_drive, torn_is_legal, traced_stacks

LOST = 0.001
"""At most this part of the samples that were tried."""


def account(audit):
    """Every sample that was tried has become something."""
    assert audit["tried"] == audit["whole"] + audit["partial"] + audit["lost"]


@pytest.mark.versions("3.8", "3.10", "3.11", "3.13", "3.15")
@pytest.mark.parametrize("program, rounds", [("fib.py", "350"), ("richards.py", "80")])
def test_every_stack_could_be_there_and_hardly_one_is_lost(recorder, program, rounds):
    interpreter, folder = recorder.interpreter, recorder.folder
    legal = traced_stacks(interpreter.command, interpreter.seen(folder / program), folder, "--rounds", "1")
    recording = recorder.run(program, "--rounds", rounds, options=["--rate", "4khz"])
    taken, audit = recording.capture, recording.capture.audit
    account(audit)
    assert audit["whole"] >= 500
    wrong = set()
    for run in taken.runs:
        frames = taken.python_frames(run.stack)
        if run.whole and frames and all(frame.file.endswith("/" + program) for frame in frames):
            names = tuple(frame.name for frame in frames)
            if names not in legal:
                wrong.add(names)
    assert not wrong
    assert audit["lost"] <= LOST * audit["tried"], audit


@pytest.mark.versions("3.8", "3.11", "3.12", "3.13", "3.15")
def test_no_torn_stack_is_shown_as_whole(recorder):
    whole, torn = 0, []
    for _ in range(8):
        recording = recorder.run("torn.py", "--seconds", "3", options=["--rate", "max"])
        taken = recording.capture
        account(taken.audit)
        verdicts = {}
        for run in taken.runs:
            if not run.whole:
                continue
            verdict = verdicts.get(run.stack)
            if verdict is None:
                frames = taken.python_frames(run.stack)
                names, lines = [frame.name for frame in frames], [frame.line for frame in frames]
                legal = torn_is_legal(names, lines) if in_torn_drive(names) else None
                verdict = verdicts[run.stack] = (legal, names, lines)
            if verdict[0] is False:
                torn.append(verdict[1:])
            whole += run.samples if verdict[0] is not None else 0
        if whole >= 100_000:
            break
    assert not torn, f"{len(torn)} of {whole}: {torn[:3]}"
    assert whole >= 100_000


@pytest.mark.versions("3.8", "3.11", "3.13", "3.15")
def test_generators_stand_on_their_consumers(recorder):
    recording = recorder.run("generators.py", "--rounds", "60")
    taken = recording.capture
    expected = {
        "consume_pipeline": ["consume_pipeline", "doubled", "<genexpr>", "numbers", "spin"],
        "consume_delegated": ["consume_delegated", "outer_generator", "inner_generator", "spin"],
        "consume_sent": ["consume_sent", "accumulator", "spin"],
    }
    seen = {}
    for run in taken.runs:
        frames = taken.python_frames(run.stack)
        names = [frame.name for frame in frames]
        own = all(frame.file.endswith("/generators.py") for frame in frames)
        if run.whole and own and names[:2] == ["<module>", "main"] and len(names) > 2:
            chain = expected[names[2]]
            assert names[2:] == chain[: len(names) - 2], names
            seen[names[2]] = seen.get(names[2], 0) + run.wall_ns
    everything = sum(seen.values())
    assert set(seen) == set(expected)
    assert all(value > 0.2 * everything for value in seen.values()), seen


@pytest.mark.versions("3.8", "3.12", "3.14")
def test_coroutines_stand_on_their_awaiters(recorder):
    recording = recorder.run("tasks.py", "--rounds", "6000")
    taken = recording.capture
    above_spin = set()
    for run in taken.runs:
        names = [frame.name for frame in taken.python_frames(run.stack)]
        if run.whole and names and names[-1] == "spin":
            above_spin.add(tuple(names[-3:-1]))
    assert above_spin == {("handle", "parse"), ("drain", "ticks")}


@pytest.mark.versions("3.9", "3.13")
def test_a_deep_stack_has_all_its_frames(recorder):
    recording = recorder.run("deep.py", "--rounds", "12000000")
    taken = recording.capture
    depths = {}
    for run in taken.runs:
        names = [frame.name for frame in taken.python_frames(run.stack)]
        if run.whole and "work" in names:
            depths[len(names)] = depths.get(len(names), 0) + run.samples
    assert set(depths) == {200}, depths


@pytest.mark.versions("3.8", "3.11", "3.13")
def test_lines_are_those_that_run(recorder):
    source = (recorder.folder / "shallow.py").read_text().splitlines()
    loop = {number for number, text in enumerate(source, 1) if "for value in range" in text or "total * 31" in text}
    recording = recorder.run("shallow.py", "--rounds", "12000000")
    taken = recording.capture
    inside = outside = 0
    for run in taken.runs:
        frames = taken.python_frames(run.stack)
        if frames and frames[-1].name == "work":
            if frames[-1].line in loop:
                inside += run.wall_ns
            else:
                outside += run.wall_ns
    assert inside > 0 and outside <= 0.01 * inside
