//! The first answer: what is slow, where, how sure that is, and what to type next.
//!
//! Every sample is put down to its owner (see `attribution.rs`), and owners are red, yellow or green by their part of the
//! base. Red, yellow, green and unproven sum to all of it.

mod hints;
mod hot;
mod notices;
mod summary;
mod verdict;

use serde::Serialize;

use crate::{AuditReport, ProcessRow, Profile, ThreadRow, ThreadTable};

pub use hints::Hint;
pub use hot::{CalleeOf, CallerOf, Folded, Heat, HotFunction, HotLine};
pub use notices::{CollectedAt, Collector, Contention, Holder, Starved, Unproven, Wait, Waiting};
pub use summary::{Base, CaptureSummary};
pub use verdict::{Verdict, VerdictKind};

/// The name and version of the report's JSON form, described in `docs/report-schema.md`.
pub const REPORT_SCHEMA: &str = "pyrometer.report/1";

/// From which part of the base on something is told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// A function with more than this is red.
    pub red: f64,
    /// A function with at least this, and not red, is yellow; one with less is green.
    pub yellow: f64,
    /// Where calls are known, a function is yellow only with more calls than this.
    pub yellow_calls: u64,
    /// More than this part of the main thread's wall time spent blocked is told as waiting.
    pub waiting: f64,
    /// More than this part of the threads' active time spent waiting for the GIL is told.
    pub gil: f64,
    /// More than this part of the active time spent collecting garbage is told.
    pub collector: f64,
    /// More than this part of the active time without a processor, though ready to run, is told.
    pub starved: f64,
    /// More than this part of the base in stacks without an owner is told.
    pub unproven: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            red: 0.10,
            yellow: 0.02,
            yellow_calls: 10_000,
            waiting: 0.5,
            gil: 0.10,
            collector: 0.05,
            starved: 0.15,
            unproven: 0.005,
        }
    }
}

/// What a triage is made with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TriageOptions {
    /// The name of the capture's file, for the commands that are suggested; `FILE` stands for it where it is not known.
    pub capture_name: Option<String>,
    /// When what is told.
    pub thresholds: Thresholds,
}

/// The report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Triage {
    /// [`REPORT_SCHEMA`].
    pub schema: &'static str,
    /// What was recorded.
    pub capture: CaptureSummary,
    /// What shares are parts of.
    pub base: Base,
    /// When what is told.
    pub thresholds: Thresholds,
    /// The finding in one sentence.
    pub verdict: Verdict,
    /// The busiest processes, at most five, where more than one has a part of the base worth telling.
    pub processes: Vec<ProcessRow>,
    /// The busiest threads, at most five, where more than one has a part of the base worth telling.
    pub threads: Vec<ThreadRow>,
    /// Where the main thread waits, when waiting dominates.
    pub waiting: Option<Waiting>,
    /// How threads compete for the GIL, when they do.
    pub gil: Option<Contention>,
    /// The garbage collector's part, when it is large.
    pub collector: Option<Collector>,
    /// Threads were ready to run and had no processor, when that was much of the active time.
    pub starved: Option<Starved>,
    /// Time without an owner; told in the text only when it is more than a trifle.
    pub unproven: Unproven,
    /// Functions with more than 10 %, the most first.
    pub red: Vec<HotFunction>,
    /// Functions with 2 to 10 %, the most first.
    pub yellow: Vec<HotFunction>,
    /// All other functions.
    pub green: Folded,
    /// The capture's account of itself.
    pub audit: AuditReport,
    /// What to type next.
    pub next: Vec<Hint>,
}

impl Triage {
    /// The triage of `profile`. It is meant to be read of active time: a selection of the wall view without idle samples.
    #[must_use]
    pub fn of(profile: &Profile<'_>, options: &TriageOptions) -> Self {
        let thresholds = options.thresholds;
        let hot = hot::classify(profile, thresholds);
        let base = Base::of(profile);
        let waiting = notices::waiting(profile, thresholds.waiting);
        let gil = notices::contention(profile, thresholds.gil);
        let collector = notices::collector(profile, thresholds.collector);
        let verdict = verdict::verdict(&base, &hot.red, &hot.yellow, waiting.as_ref(), gil.as_ref());
        let (processes, threads) = busiest(profile);
        let mut triage = Self {
            schema: REPORT_SCHEMA,
            capture: CaptureSummary::of(profile, options.capture_name.as_deref()),
            base,
            thresholds,
            verdict,
            processes,
            threads,
            waiting,
            gil,
            collector,
            starved: notices::starved(profile, thresholds.starved),
            unproven: hot.unproven,
            red: hot.red,
            yellow: hot.yellow,
            green: hot.green,
            audit: AuditReport::of(profile.dictionary()),
            next: Vec::new(),
        };
        triage.next = hints::hints(&triage, options.capture_name.as_deref(), &profile.dictionary().info.command);
        triage
    }
}

/// The busiest processes and threads, or none where one of them does next to everything.
fn busiest(profile: &Profile<'_>) -> (Vec<ProcessRow>, Vec<ThreadRow>) {
    const MOST: usize = 5;
    const LEAST: f64 = 0.01;
    let ThreadTable { mut processes, mut threads, .. } = ThreadTable::of(profile);
    processes.retain(|process| process.times.share >= LEAST);
    processes.sort_by(|a, b| b.times.share.total_cmp(&a.times.share));
    threads.retain(|thread| thread.times.share >= LEAST);
    processes.truncate(if processes.len() > 1 { MOST } else { 0 });
    threads.truncate(if threads.len() > 1 { MOST } else { 0 });
    (processes, threads)
}
