//! What was recorded, and what shares are parts of.

use pyrometer_model::{Nanoseconds, RecordingMode, ThreadId, View};
use serde::Serialize;

use crate::{Profile, ThreadFacts, Unit};

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaptureSummary {
    /// The capture's file, where it is known.
    pub file: Option<String>,
    /// The target's command line: that of the first process.
    pub command: String,
    /// The Python of the first process that ran one.
    pub python: Option<String>,
    /// Which version of pyrometer recorded it.
    pub pyrometer: String,
    /// `sampled` or `sampled_paused`.
    pub mode: &'static str,
    /// When it began: nanoseconds since 1970-01-01 UTC.
    pub started: u64,
    /// The machine.
    pub machine: String,
    /// The target's working directory.
    pub directory: String,
    /// Processes in the capture.
    pub processes: usize,
    /// Threads in the capture.
    pub threads: usize,
}

impl CaptureSummary {
    pub(crate) fn of(profile: &Profile<'_>, file: Option<&str>) -> Self {
        let dictionary = profile.dictionary();
        let info = &dictionary.info;
        let processes = dictionary.processes();
        Self {
            file: file.map(str::to_owned),
            command: processes.first().map_or(String::new(), |process| dictionary.string(process.command).to_owned()),
            python: processes.iter().find_map(|process| process.python).map(|version| version.to_string()),
            pyrometer: info.pyrometer.clone(),
            mode: match info.mode {
                RecordingMode::Sampled => "sampled",
                RecordingMode::SampledPaused => "sampled_paused",
            },
            started: info.started,
            machine: info.machine.clone(),
            directory: info.directory.clone(),
            processes: processes.len(),
            threads: dictionary.threads().len(),
        }
    }
}

/// What shares are parts of, and the other sums that put it in its place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Base {
    /// What amounts are.
    pub unit: Unit,
    /// `wall`, `cpu` or `gil`.
    pub view: &'static str,
    /// Whether samples of blocked threads count.
    pub includes_idle: bool,
    /// What shares are parts of, in words: `active time`, `wall time`, `CPU time`, `time holding the GIL`.
    pub phrase: &'static str,
    /// How much that is.
    pub amount: f64,
    /// Samples that count.
    pub samples: f64,
    /// Seconds from the first to the last instant sampled.
    pub duration: f64,
    /// Seconds that all threads sampled stand for.
    pub wall: f64,
    /// Of those, seconds in which the thread was not blocked.
    pub active: f64,
    /// CPU seconds, by the kernel's accounting.
    pub cpu: f64,
    /// Threads with samples.
    pub threads: usize,
    /// From here, in seconds since the capture's start; `None` for the whole capture.
    pub since: Option<f64>,
    /// To here, in seconds since the capture's start; `None` for the whole capture.
    pub until: Option<f64>,
    /// Seconds from the capture's start to the first instant at which a thread is on record, whatever was asked for.
    pub recorded_from: f64,
    /// Seconds from the capture's start to the last such instant; 0 for a capture without samples.
    pub recorded_to: f64,
    /// Whether only some threads or processes were asked for.
    pub is_filtered: bool,
}

impl Base {
    pub(crate) fn of(profile: &Profile<'_>) -> Self {
        let mut all = ThreadFacts::default();
        profile.threads.iter().for_each(|facts| all.add_all(facts));
        let selection = profile.selection();
        let (first, last) = profile.span;
        let threads = || profile.dictionary.threads().iter();
        Self {
            unit: profile.unit(),
            view: selection.view.name(),
            includes_idle: selection.view == View::Wall && selection.include_idle,
            phrase: profile.phrase(),
            amount: profile.total_amount(),
            samples: profile.samples(),
            duration: (last - first).as_seconds(),
            wall: all.wall.as_seconds(),
            active: all.active().as_seconds(),
            cpu: all.cpu.as_seconds(),
            threads: (0..profile.threads.len())
                .filter(|&at| profile.thread(ThreadId::from_index(at)).samples > 0)
                .count(),
            since: (selection.since > Nanoseconds::ZERO).then(|| selection.since.as_seconds()),
            until: (selection.until < Nanoseconds(u64::MAX)).then(|| selection.until.as_seconds()),
            recorded_from: threads().map(|thread| thread.start.as_seconds()).reduce(f64::min).unwrap_or(0.0),
            recorded_to: threads().map(|thread| thread.end.as_seconds()).fold(0.0, f64::max),
            is_filtered: !(selection.threads.is_empty() && selection.processes.is_empty()),
        }
    }
}
