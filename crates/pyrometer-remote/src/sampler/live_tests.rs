//! Sessions over real Pythons.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use pyrometer_model::{Dictionary, Flags, Nanoseconds, SampleRun};

use super::{End, Options, Outcome, Session, SessionError};
use crate::ErrorKind;
use crate::os::spawned::Spawned;
use crate::os::tree::Watching;

/// The newest Python of those that run without a chroot.
fn python() -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/interpreters");
    let output = Command::new(script).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines().filter_map(|line| line.strip_suffix(" -")?.split_once(' ').map(|(_, path)| path));
    lines.next_back().expect("scripts/interpreters finds no Python").to_owned()
}

struct Record {
    dictionary: Dictionary,
    runs: Vec<SampleRun>,
    outcome: Outcome,
    output: String,
}

fn record_command(command: &mut Command, options: Options) -> Record {
    let mut child = Spawned::start(command.stdout(Stdio::piped()));
    let mut session = Session::new(child.id(), options).unwrap();
    let (mut dictionary, mut runs) = (Dictionary::default(), Vec::new());
    let mut sink = |_: &mut Dictionary, block: &[SampleRun]| -> Result<(), Infallible> {
        runs.extend_from_slice(block);
        Ok(())
    };
    let outcome = session.run(&mut dictionary, &AtomicBool::new(false), &mut sink);
    if !matches!(outcome, Ok(Outcome { end: End::Ended, .. })) {
        child.kill().unwrap();
    }
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    child.wait().unwrap();
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(SessionError::Target(error)) => panic!("{error}"),
        Err(SessionError::Sink(never)) => match never {},
    };
    Record { dictionary, runs, outcome, output }
}

fn record(script: &str, options: Options) -> Record {
    record_command(Command::new(python()).args(["-c", script]), options)
}

impl Record {
    /// CPU and wall seconds by the name of the innermost function.
    fn by_function(&self) -> HashMap<String, (f64, f64)> {
        let mut sums: HashMap<String, (f64, f64)> = HashMap::new();
        for run in &self.runs {
            let leaf = self.dictionary.stacks.get(run.stack).map(|node| self.dictionary.code_at(node.location));
            let name = leaf.map_or("", |code| self.dictionary.string(code.name));
            let sum = sums.entry(name.to_owned()).or_default();
            sum.0 += run.cpu.as_seconds();
            sum.1 += run.wall.as_seconds();
        }
        sums
    }

    /// Every sample is in one of three, and no two runs of a thread overlap.
    fn check_books(&self) {
        let audit = self.dictionary.audit;
        assert_eq!(audit.tried, audit.whole + audit.partial + audit.lost, "{audit:?}");
        let mut ends = HashMap::new();
        for run in &self.runs {
            let end = ends.insert(run.thread, run.end()).unwrap_or_default();
            assert!(run.start >= end && run.count > 0, "{run:?} begins before {end:?}");
            assert!(self.dictionary.thread(run.thread).is_some());
            assert!(run.stack.index() < self.dictionary.stacks.len());
        }
    }
}

const SPIN: &str = "
import time
def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass
";

#[test]
fn cpu_time_is_the_kernels_and_goes_to_the_function_that_used_it() {
    let script = format!(
        "{SPIN}
def short(): spin(0.02)
def long(): spin(0.06)
def rest(): time.sleep(0.02)
for n in range(16): short(); long(); rest()
print(time.process_time())"
    );
    let seen = record(&script, Options { native: false, ..Options::default() });
    seen.check_books();
    let total: f64 = seen.output.trim().parse().unwrap();
    let cpu: f64 = seen.runs.iter().map(|run| run.cpu.as_seconds()).sum();
    // The interpreter's start before the first sample is not on record.
    assert!(cpu > total - 0.1 && cpu < total + 0.02, "{cpu} of {total}");
    let parents = |name: &str| -> f64 {
        let of = |run: &&SampleRun| {
            let mut stack = seen.dictionary.stacks.leaf_first(run.stack);
            stack.any(|location| seen.dictionary.string(seen.dictionary.code_at(location).name) == name)
        };
        seen.runs.iter().filter(of).map(|run| run.cpu.as_seconds()).sum()
    };
    let share = parents("long") / (parents("long") + parents("short"));
    assert!((share - 0.75).abs() < 0.07, "{share}");
    assert!(parents("rest") < 0.05 * total, "sleeping uses no CPU");
    let waiting: f64 = seen.by_function().get("rest").map_or(0.0, |sums| sums.1);
    assert!(waiting >= 0.15, "but it takes wall time: {waiting}");
}

#[test]
fn threads_are_told_apart_by_the_kernels_time() {
    let script = format!(
        "{SPIN}
import threading
def work(n):
    spin(0.1 * n)
    print(n, time.thread_time(), threading.get_native_id())
threads = [threading.Thread(target=work, args=(n,), name=f'worker-{{n}}') for n in (1, 2, 3, 4)]
for thread in threads: thread.start()
for thread in threads: thread.join()"
    );
    let seen = record(&script, Options::default());
    seen.check_books();
    let mut by_thread: HashMap<u64, f64> = HashMap::new();
    for run in &seen.runs {
        let native = seen.dictionary.thread(run.thread).unwrap().native_id;
        *by_thread.entry(native).or_default() += run.cpu.as_seconds();
    }
    let mut total = (0.0, 0.0);
    let mut shares = Vec::new();
    for line in seen.output.lines() {
        let fields: Vec<_> = line.split(' ').collect();
        let (truth, native): (f64, u64) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
        let cpu = by_thread[&native];
        total = (total.0 + truth, total.1 + cpu);
        shares.push((truth, cpu));
    }
    assert_eq!(shares.len(), 4);
    for (truth, cpu) in shares {
        assert!((truth / total.0 - cpu / total.1).abs() < 0.02, "{truth} s of {total:?} seen as {cpu} s");
    }
    assert!(seen.dictionary.threads().len() <= 5, "a thread is on record once: {:?}", seen.dictionary.threads());
    let named = |name: &str| {
        let thread = |thread: &&pyrometer_model::Thread| seen.dictionary.string(thread.name) == name;
        seen.dictionary.threads().iter().filter(thread).count()
    };
    assert_eq!(
        [named("MainThread"), named("worker-1"), named("worker-4")],
        [1, 1, 1],
        "{:?}",
        seen.dictionary.threads()
    );
    let wanted = seen.runs.iter().filter(|run| run.flags.contains(Flags::GIL_WANTED));
    let wanted: f64 = wanted.map(|run| run.wall.as_seconds()).sum();
    assert!(wanted > 0.3, "three of four wait for the GIL: {wanted}");
}

#[test]
fn every_process_of_a_tree_is_on_record() {
    let script = format!(
        "{SPIN}
import os, subprocess, sys
for n in range(20): subprocess.run(['/bin/true'])
pid = os.fork()
if pid == 0:
    spin(0.2)
    os._exit(0)
os.waitpid(pid, 0)
subprocess.run([sys.executable, '-c', '''{SPIN}
spin(0.2)'''])"
    );
    let seen = record(&script, Options { subprocesses: true, ..Options::default() });
    seen.check_books();
    let audit = seen.dictionary.audit;
    if seen.outcome.watching != Watching::Polling {
        assert_eq!(audit.processes_seen, 23, "{audit:?}");
    }
    let processes: Vec<_> = seen.dictionary.processes().iter().filter(|process| process.python.is_some()).collect();
    assert!(processes.len() >= 3, "{:?}", seen.dictionary.processes());
    let mut spinning = HashMap::new();
    for run in &seen.runs {
        *spinning.entry(seen.dictionary.thread(run.thread).unwrap().process).or_insert(0.0) += run.cpu.as_seconds();
    }
    assert_eq!(spinning.values().filter(|&&cpu| cpu > 0.15).count(), 2, "{spinning:?}");
    assert!(seen.dictionary.processes().iter().skip(1).all(|process| process.parent.is_some()));
}

#[test]
fn a_process_that_calls_exec_is_followed() {
    let inner = format!("{SPIN}\ndef after(): spin(0.3)\nafter()").replace('\n', "\\n");
    let script = format!(
        "{SPIN}
import os, sys
def before(): spin(0.3)
before()
os.execv(sys.executable, [sys.executable, '-c', '{inner}'])"
    );
    let seen = record(&script, Options { native: false, ..Options::default() });
    seen.check_books();
    let names = |name: &str| seen.dictionary.codes().iter().any(|code| seen.dictionary.string(code.name) == name);
    assert!(names("before") && names("after"));
    // And one that is no Python at first, nor at last.
    let shell = format!("sleep 0.1; {} -c 'import time; time.sleep(0.2)'; exec sleep 0.1", python());
    let seen = record_command(
        Command::new("/bin/sh").args(["-c", &shell]),
        Options { subprocesses: true, ..Options::default() },
    );
    assert!(seen.outcome.python_found);
    seen.check_books();
    let seen = record_command(Command::new("/bin/sleep").arg("0.1"), Options::default());
    assert!(!seen.outcome.python_found && seen.runs.is_empty());
    assert_eq!(seen.dictionary.audit.processes_not_python, 1);
}

#[test]
fn a_process_that_is_killed_ends_the_session() {
    let script = "import os, signal, threading
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
while True: pass";
    for pause in [false, true] {
        let seen = record(script, Options { pause, ..Options::default() });
        assert_eq!(seen.outcome.end, End::Ended);
        seen.check_books();
        assert!(seen.dictionary.audit.whole > 10);
    }
}

#[test]
fn a_paused_target_runs_on_and_the_stops_are_accounted() {
    let script = "import time
end = time.time() + 0.5
while time.time() < end: pass
print('done')";
    let seen = record(script, Options { pause: true, ..Options::default() });
    assert_eq!(seen.output, "done\n");
    let audit = seen.dictionary.audit;
    assert!(audit.target_paused > Nanoseconds::ZERO && audit.partial + audit.lost <= audit.tried / 50, "{audit:?}");
}

#[test]
fn a_thousand_forks_are_counted() {
    let script = "import os
for n in range(1000):
    pid = os.fork()
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0)";
    let seen = record(script, Options { subprocesses: true, ..Options::default() });
    seen.check_books();
    if seen.outcome.watching != Watching::Polling {
        assert_eq!(seen.dictionary.audit.processes_seen, 1001, "{:?}", seen.outcome);
    }
}

#[test]
fn five_hundred_threads_are_sampled() {
    let script = "import threading, time
stop = threading.Event()
threads = [threading.Thread(target=stop.wait) for n in range(500)]
for thread in threads: thread.start()
end = time.thread_time() + 0.3
while time.thread_time() < end: pass
time.sleep(0.2)
stop.set()";
    let seen = record(script, Options { interval: Nanoseconds::from_millis(10), ..Options::default() });
    seen.check_books();
    let threads = seen.dictionary.threads();
    assert!(threads.len() >= 501 && threads.iter().filter(|thread| thread.native_id != 0).count() >= 501);
    let waiting = seen.runs.iter().filter(|run| run.flags.contains(Flags::IDLE)).count();
    assert!(waiting >= 490, "{waiting}");
}

#[test]
fn a_budget_lowers_the_rate() {
    let script = "import time
end = time.time() + 1.5
while time.time() < end: pass";
    let options = Options { interval: Nanoseconds(50_000), budget: Some(0.01), ..Options::default() };
    let seen = record(script, options);
    let audit = seen.dictionary.audit;
    assert!(audit.interval_mean.0 > 100_000, "{audit:?}");
    assert!(seen.outcome.notes.iter().any(|note| note.contains("budget of 1 %")), "{:?}", seen.outcome.notes);
}

#[test]
fn what_cannot_be_sampled_is_an_error_by_name() {
    let none = Session::new(1 << 23, Options::default()).map(|_| ()).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Gone);
    let mut child = Spawned::start(Command::new("/bin/sleep").arg("60"));
    let options = Options { patience: Some(Nanoseconds::from_millis(20)), ..Options::default() };
    let mut session = Session::new(child.id(), options).unwrap();
    let mut sink = |_: &mut Dictionary, _: &[SampleRun]| -> Result<(), Infallible> { Ok(()) };
    let result = session.run(&mut Dictionary::default(), &AtomicBool::new(false), &mut sink);
    child.end();
    let Err(SessionError::Target(error)) = result else { panic!("sleep is no Python") };
    assert_eq!(error.kind(), ErrorKind::NotPython);
    let mut child = Spawned::start(Command::new("/bin/sleep").arg("60"));
    let mut session = Session::new(child.id(), Options::default()).unwrap();
    let result = session.run(&mut Dictionary::default(), &AtomicBool::new(true), &mut sink);
    child.end();
    assert!(matches!(result, Ok(Outcome { end: End::Stopped, python_found: false, .. })));
}
