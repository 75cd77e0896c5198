//! What each thread and each process did.

use pyrometer_model::{ExitStatus, Process, ProcessId, ThreadId};
use serde::Serialize;

use crate::{Profile, ThreadFacts, Unit};

/// Seconds of the things that a thread, or all threads of a process, did. They overlap: a thread that holds the GIL may be
/// on a processor or not.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize)]
pub struct Times {
    /// Samples.
    pub samples: u64,
    /// All time sampled.
    pub wall: f64,
    /// CPU time, by the kernel's accounting.
    pub cpu: f64,
    /// On a processor or ready to run.
    pub on_cpu: f64,
    /// Blocked on something other than the GIL.
    pub idle: f64,
    /// Holding the GIL.
    pub gil_held: f64,
    /// Waiting for the GIL.
    pub gil_wanted: f64,
    /// Collecting garbage.
    pub collecting: f64,
    /// The part of the selection's time, 0 to 1.
    pub share: f64,
}

impl Times {
    fn of(profile: &Profile<'_>, facts: &ThreadFacts) -> Self {
        Self {
            samples: facts.samples,
            wall: facts.wall.as_seconds(),
            cpu: facts.cpu.as_seconds(),
            on_cpu: facts.on_cpu.as_seconds(),
            idle: facts.idle.as_seconds(),
            gil_held: facts.gil_held.as_seconds(),
            gil_wanted: facts.gil_wanted.as_seconds(),
            collecting: facts.collecting.as_seconds(),
            share: profile.part(facts.weight.0),
        }
    }
}

/// One thread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThreadRow {
    /// Its index in the capture.
    pub id: u32,
    /// The process's id in the system.
    pub pid: u32,
    /// The kernel's thread id; 0 where it is not known.
    pub native_id: u64,
    /// Its name.
    pub name: String,
    /// Whether it is its process's main thread.
    pub is_main: bool,
    /// Which interpreter it runs; 0 is the main one.
    pub interpreter: u32,
    /// What it did.
    pub times: Times,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProcessRow {
    /// Its index in the capture.
    pub id: u32,
    /// Its id in the system.
    pub pid: u32,
    /// The id in the system of the process that started it, where that is in the capture.
    pub parent: Option<u32>,
    /// Its command line.
    pub command: String,
    /// The Python it ran, for example `3.12.4`; `None` where it never ran one.
    pub python: Option<String>,
    /// Seconds since the capture's start.
    pub start: f64,
    /// Seconds since the capture's start; `None` where it was still running.
    pub end: Option<f64>,
    /// `exit 0`, `signal 9`; `None` where it is not known.
    pub exit: Option<String>,
    /// How many of its threads were sampled.
    pub threads: usize,
    /// What its threads did, added up.
    pub times: Times,
}

/// Threads and processes with what they did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThreadTable {
    /// The name and version of its JSON form: `pyrometer.threads/1`.
    pub schema: &'static str,
    /// What amounts of the selection are.
    pub unit: Unit,
    /// What `share` is a part of: `wall time`, `CPU time`, `time holding the GIL`.
    pub quantity: &'static str,
    /// Threads with samples, the largest share first.
    pub threads: Vec<ThreadRow>,
    /// Processes, in the order in which they were seen.
    pub processes: Vec<ProcessRow>,
}

impl ThreadTable {
    /// The threads and processes of `profile`.
    #[must_use]
    pub fn of(profile: &Profile<'_>) -> Self {
        let dictionary = profile.dictionary;
        let sampled =
            || (0..dictionary.threads().len()).map(ThreadId::from_index).filter(|&id| profile.thread(id).samples > 0);
        let mut threads: Vec<ThreadRow> = sampled().filter_map(|id| thread_row(profile, id)).collect();
        threads.sort_by(|a, b| {
            b.times.share.total_cmp(&a.times.share).then(b.times.wall.total_cmp(&a.times.wall)).then(a.id.cmp(&b.id))
        });
        let processes = dictionary.processes().iter().enumerate().map(|(at, process)| {
            let id = ProcessId::from_index(at);
            let mut facts = ThreadFacts::default();
            let own =
                || sampled().filter(|&thread| dictionary.thread(thread).is_some_and(|thread| thread.process == id));
            own().for_each(|thread| facts.add_all(&profile.thread(thread)));
            process_row(profile, id, process, own().count(), &facts)
        });
        Self {
            schema: "pyrometer.threads/1",
            unit: profile.unit,
            quantity: profile.phrase(),
            threads,
            processes: processes.collect(),
        }
    }
}

fn thread_row(profile: &Profile<'_>, id: ThreadId) -> Option<ThreadRow> {
    let thread = profile.dictionary.thread(id)?;
    Some(ThreadRow {
        id: id.0,
        pid: profile.dictionary.process(thread.process).map_or(0, |process| process.pid),
        native_id: thread.native_id,
        name: profile.dictionary.string(thread.name).to_owned(),
        is_main: thread.is_main,
        interpreter: thread.interpreter,
        times: Times::of(profile, &profile.thread(id)),
    })
}

fn process_row(
    profile: &Profile<'_>,
    id: ProcessId,
    process: &Process,
    threads: usize,
    facts: &ThreadFacts,
) -> ProcessRow {
    ProcessRow {
        id: id.0,
        pid: process.pid,
        parent: process.parent.and_then(|parent| profile.dictionary.process(parent)).map(|parent| parent.pid),
        command: profile.dictionary.string(process.command).to_owned(),
        python: process.python.map(|version| version.to_string()),
        start: process.start.as_seconds(),
        end: process.end.map(pyrometer_model::Nanoseconds::as_seconds),
        exit: match process.exit {
            ExitStatus::Unknown => None,
            ExitStatus::Code(code) => Some(format!("exit {code}")),
            ExitStatus::Signal(signal) => Some(format!("signal {signal}")),
        },
        threads,
        times: Times::of(profile, facts),
    }
}
