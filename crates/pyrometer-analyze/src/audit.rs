//! What the capture says about itself, in figures that a reader can judge.

use pyrometer_model::{Audit, Dictionary, RecordingMode};
use serde::Serialize;

/// The capture's account of itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditReport {
    /// Whether the target's threads were stopped for each sample.
    pub paused: bool,
    /// Stacks that the sampler tried to read.
    pub tried: u64,
    /// Kept whole.
    pub whole: u64,
    /// Kept without their innermost part.
    pub partial: u64,
    /// Not kept.
    pub lost: u64,
    /// Reads done again.
    pub retries: u64,
    /// Instants at which the sampler woke.
    pub ticks: u64,
    /// Ticks that came more than half an interval late.
    pub late: u64,
    /// Ticks left out.
    pub missed: u64,
    /// Seconds between ticks that were asked for.
    pub interval_wanted: f64,
    /// Seconds between ticks that were reached, on average.
    pub interval_mean: f64,
    /// Seconds between the two ticks that were furthest apart.
    pub interval_longest: f64,
    /// Seconds from the first to the last tick.
    pub duration: f64,
    /// Pyrometer's own CPU time, in seconds.
    pub sampler_cpu: f64,
    /// The same as a part of one processor, 0 to 1; `None` where the duration is not known.
    pub sampler_core: Option<f64>,
    /// The most memory that pyrometer held, in bytes.
    pub sampler_peak_memory: u64,
    /// Seconds for which the target was stopped.
    pub target_paused: f64,
    /// Processes that were seen to start.
    pub processes_seen: u64,
    /// Of those, the ones that ended unsampled.
    pub processes_unsampled: u64,
    /// Of those, the ones that never ran Python.
    pub processes_not_python: u64,
    /// Bytes of a cut file that could not be read.
    pub bytes_cut: u64,
}

impl AuditReport {
    /// The account of the capture of `dictionary`.
    #[must_use]
    pub fn of(dictionary: &Dictionary) -> Self {
        let audit: &Audit = &dictionary.audit;
        let duration = audit.duration.as_seconds();
        Self {
            paused: dictionary.info.mode == RecordingMode::SampledPaused,
            tried: audit.tried,
            whole: audit.whole,
            partial: audit.partial,
            lost: audit.lost,
            retries: audit.retries,
            ticks: audit.ticks,
            late: audit.late,
            missed: audit.missed,
            interval_wanted: audit.interval_wanted.as_seconds(),
            interval_mean: audit.interval_mean.as_seconds(),
            interval_longest: audit.interval_longest.as_seconds(),
            duration,
            sampler_cpu: audit.sampler_cpu.as_seconds(),
            sampler_core: (duration > 0.0).then(|| audit.sampler_cpu.as_seconds() / duration),
            sampler_peak_memory: audit.sampler_peak_memory,
            target_paused: audit.target_paused.as_seconds(),
            processes_seen: audit.processes_seen,
            processes_unsampled: audit.processes_unsampled,
            processes_not_python: audit.processes_not_python,
            bytes_cut: audit.bytes_cut,
        }
    }
}
