//! What a capture says about itself.

use crate::Nanoseconds;

/// The account of one capture: what was tried, what became of it and what it cost. Every sample that was tried is in
/// exactly one of `whole`, `partial` and `lost`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Audit {
    /// Stacks that the sampler tried to read (one a thread and instant).
    pub tried: u64,
    /// Stacks kept whole, proven consistent.
    pub whole: u64,
    /// Stacks of which only the outer part was proven: the rest is shown as unknown.
    pub partial: u64,
    /// Stacks of which nothing could be kept.
    pub lost: u64,
    /// Reads done again since the target changed under them.
    pub retries: u64,
    /// Instants at which the sampler woke.
    pub ticks: u64,
    /// Ticks that came more than half an interval late.
    pub late: u64,
    /// Ticks left out because an earlier one was still at work or the budget was spent.
    pub missed: u64,
    /// The interval asked for.
    pub interval_wanted: Nanoseconds,
    /// The mean interval that was reached.
    pub interval_mean: Nanoseconds,
    /// The longest time between two ticks.
    pub interval_longest: Nanoseconds,
    /// Wall time from the first to the last tick.
    pub duration: Nanoseconds,
    /// CPU time that pyrometer itself used.
    pub sampler_cpu: Nanoseconds,
    /// The most memory that pyrometer itself held, in bytes.
    pub sampler_peak_memory: u64,
    /// Time that the target was stopped (0 without `--pause`).
    pub target_paused: Nanoseconds,
    /// Processes of the target's tree that were seen to start.
    pub processes_seen: u64,
    /// Of those, the ones that ended before a single stack could be read.
    pub processes_unsampled: u64,
    /// Of `processes_seen`, the ones that never ran Python.
    pub processes_not_python: u64,
    /// Bytes of a cut file that could not be read; 0 for a whole one.
    pub bytes_cut: u64,
}
