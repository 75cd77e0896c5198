//! Samples, run-length encoded.

use std::ops::{BitOr, BitOrAssign};

use crate::{Nanoseconds, StackId, ThreadId};

/// What was true of the thread when the sample was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// The kernel had the thread running or ready to run.
    pub const ON_CPU: Self = Self(1);
    /// The thread held the GIL.
    pub const GIL_HELD: Self = Self(2);
    /// The thread was waiting for the GIL.
    pub const GIL_WANTED: Self = Self(4);
    /// The garbage collector was running in this thread.
    pub const IN_GC: Self = Self(8);
    /// The thread was blocked on something other than the GIL: neither on a CPU nor wanting the GIL.
    pub const IDLE: Self = Self(16);
    /// The outer frames are proven, the innermost are not: the leaf is the marker [`crate::Code::UNKNOWN`].
    pub const PARTIAL: Self = Self(32);
    /// Every bit that has a meaning.
    pub const ALL: Self = Self(63);

    /// Whether all bits of `other` are set.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// One or more consecutive samples of one thread that have the same stack and flags.
///
/// The run stands for the thread's time from `start` to `start + wall`. Runs of one thread do not overlap; gaps between
/// them are time in which nothing is known (see [`crate::Audit::lost`]). A sample's weight is the time from the middle of
/// the gap before it to the middle of the gap behind it: with a jittered clock the gap *before* a sample says something
/// about when in its interval it fell, so weighting by that gap alone would be biased on work locked to the interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SampleRun {
    /// The thread.
    pub thread: ThreadId,
    /// Its stack.
    pub stack: StackId,
    /// What else was true of it.
    pub flags: Flags,
    /// Since the capture's start.
    pub start: Nanoseconds,
    /// How many samples were merged, at least 1.
    pub count: u32,
    /// Wall time that the run stands for.
    pub wall: Nanoseconds,
    /// CPU time that the kernel accounted to the thread in that time.
    pub cpu: Nanoseconds,
}

impl SampleRun {
    /// The first instant behind the run.
    #[must_use]
    pub fn end(&self) -> Nanoseconds {
        self.start + self.wall
    }

    /// Appends `next` to the run when it continues it: same thread, stack and flags, starting where this ends.
    pub fn merge(&mut self, next: &Self) -> bool {
        let same = self.thread == next.thread && self.stack == next.stack && self.flags == next.flags;
        if !same || self.end() != next.start {
            return false;
        }
        let Some(count) = self.count.checked_add(next.count) else { return false };
        self.count = count;
        self.wall += next.wall;
        self.cpu += next.cpu;
        true
    }

    /// The part of the run that lies in `[since, until)`, its counts and CPU time in proportion; none where it lies outside.
    #[must_use]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn clip(&self, since: Nanoseconds, until: Nanoseconds) -> Option<Self> {
        let (start, end) = (self.start.max(since), self.end().min(until));
        if start >= end {
            // A run without width, as formats without time give, belongs to the instant that it starts at.
            return (self.wall == Nanoseconds::ZERO && self.start >= since && self.start < until).then_some(*self);
        }
        let wall = end - start;
        if wall == self.wall {
            return Some(*self);
        }
        let share = wall.0 as f64 / self.wall.0 as f64;
        let count = ((f64::from(self.count) * share).round() as u32).max(1);
        Some(Self { start, wall, count, cpu: Nanoseconds((self.cpu.0 as f64 * share) as u64), ..*self })
    }
}

#[cfg(test)]
mod tests {
    use super::{Flags, SampleRun};
    use crate::{Nanoseconds, StackId, ThreadId};

    fn run(start: u64, wall: u64) -> SampleRun {
        SampleRun {
            thread: ThreadId(1),
            stack: StackId(2),
            flags: Flags::ON_CPU,
            start: Nanoseconds(start),
            count: 10,
            wall: Nanoseconds(wall),
            cpu: Nanoseconds(wall),
        }
    }

    #[test]
    fn only_adjacent_equal_runs_merge() {
        let mut first = run(0, 100);
        assert!(first.merge(&run(100, 50)));
        assert_eq!((first.count, first.wall.0), (20, 150));
        assert!(!first.merge(&run(151, 50)), "there is a gap");
        assert!(!first.merge(&SampleRun { stack: StackId(3), ..run(150, 50) }));
    }

    #[test]
    fn clipping_keeps_proportions() {
        let part = run(100, 100).clip(Nanoseconds(150), Nanoseconds(1000));
        assert_eq!(part.map(|r| (r.start.0, r.wall.0, r.cpu.0, r.count)), Some((150, 50, 50, 5)));
        assert_eq!(run(100, 100).clip(Nanoseconds(200), Nanoseconds(300)), None);
        assert_eq!(run(100, 100).clip(Nanoseconds(0), Nanoseconds(300)), Some(run(100, 100)));
    }
}
