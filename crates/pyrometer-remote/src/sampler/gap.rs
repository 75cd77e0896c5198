//! Time in which the sampler did not run.

/// No gap is taken for such time that is shorter than this: a busy machine may keep any program waiting.
const LONG: u64 = 250_000_000;
/// Nor one of less than so many intervals.
const INTERVALS: u64 = 50;
/// A sample speaks for so many intervals before and behind it, at most.
const REACH: u64 = 5;
/// As short is an interval taken to be, at least, when it is said how far a sample reaches.
const LEAST_INTERVAL: u64 = 100_000;

/// Time in which pyrometer did not run (it was stopped along with its target by ^Z, or the machine slept), so that nothing
/// is known of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Unwatched {
    /// Wall time, in nanoseconds.
    pub wall: u64,
    /// CPU time that threads used in it and that is in no run.
    pub cpu: u64,
}

/// How far the samples on both sides of a gap of `gap` nanoseconds reach into it, when they do not reach over all of it
/// together: when the sampler was to look every `interval` and clearly did not run.
pub(super) fn reach(gap: u64, interval: u64) -> Option<u64> {
    let is_long = gap > LONG && gap > INTERVALS.saturating_mul(interval);
    is_long.then(|| (REACH * interval.max(LEAST_INTERVAL)).min(gap / 2))
}

#[cfg(test)]
mod tests {
    use super::reach;

    #[test]
    fn only_a_gap_in_which_the_sampler_did_not_run_is_cut_short() {
        const MS: u64 = 1_000_000;
        assert_eq!(reach(3000 * MS, MS), Some(5 * MS));
        assert_eq!(reach(249 * MS, MS), None);
        assert_eq!(reach(3000 * MS, 100 * MS), None, "thirty intervals");
        assert_eq!(reach(3000 * MS, 0), Some(MS / 2));
    }
}
