//! The weights of stacks over time, in spans of equal length: what intervals are made from.

use pyrometer_model::{SampleRun, StackId};
use rustc_hash::FxHashMap;

/// There are at most this many spans, and more than half as many in any capture that is long enough.
const MOST: usize = 128;

/// The shortest span, in nanoseconds.
const SHORTEST: u64 = 1_000_000;

/// The weight of each stack in each span of time. How long the capture is need not be known: when it outgrows the spans,
/// each two become one. Empty spans cost nothing; a stack costs some 16 bytes in each span that it is in.
#[derive(Clone, Debug)]
pub(crate) struct Batches {
    origin: Option<u64>,
    length: u64,
    spans: Vec<FxHashMap<StackId, u64>>,
}

impl Default for Batches {
    fn default() -> Self {
        Self { origin: None, length: SHORTEST, spans: Vec::new() }
    }
}

impl Batches {
    /// Adds the `weight` of a run, spread evenly over its time.
    pub(crate) fn add(&mut self, run: &SampleRun, weight: u64) {
        let origin = *self.origin.get_or_insert(run.start.0);
        // Runs come only roughly in order of time. What starts before the first belongs to the first span.
        let start = run.start.0.saturating_sub(origin);
        let end = run.end().0.saturating_sub(origin).max(start);
        let last = end.saturating_sub(1).max(start);
        while last / self.length >= MOST as u64 {
            self.merge_pairs();
        }
        let (first, last) = ((start / self.length) as usize, (last / self.length) as usize);
        if self.spans.len() <= last {
            self.spans.resize_with(last + 1, FxHashMap::default);
        }
        let width = u128::from(end - start).max(1);
        let mut given = 0;
        for at in first..=last {
            let covered = u128::from(((at as u64 + 1) * self.length).min(end).saturating_sub(start));
            // What is due up to here, rounded, less what was given: so that the parts sum to the whole exactly.
            let due = if at == last { weight } else { (u128::from(weight) * covered / width) as u64 };
            if due > given {
                *self.spans[at].entry(run.stack).or_default() += due - given;
                given = due;
            }
        }
    }

    fn merge_pairs(&mut self) {
        let mut merged: Vec<FxHashMap<StackId, u64>> = Vec::with_capacity(MOST);
        for (at, span) in std::mem::take(&mut self.spans).into_iter().enumerate() {
            match merged.get_mut(at / 2) {
                None => merged.push(span),
                Some(first) => {
                    for (stack, weight) in span {
                        *first.entry(stack).or_default() += weight;
                    }
                }
            }
        }
        self.spans = merged;
        self.length = self.length.saturating_mul(2);
    }

    /// The spans, in order of time.
    pub(crate) fn spans(&self) -> &[FxHashMap<StackId, u64>] {
        &self.spans
    }

    /// Forgets everything: in captures without time there are no spans.
    pub(crate) fn clear(&mut self) {
        self.spans.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{Batches, MOST};
    use pyrometer_model::{Nanoseconds, SampleRun, StackId};

    fn run(start: u64, wall: u64, stack: u32) -> SampleRun {
        SampleRun {
            start: Nanoseconds(start),
            wall: Nanoseconds(wall),
            stack: StackId(stack),
            count: 1,
            ..SampleRun::default()
        }
    }

    #[test]
    fn nothing_is_lost_when_spans_merge_and_runs_are_spread() {
        let mut batches = Batches::default();
        let mut total = 0;
        for at in 0..5000 {
            let wall = 999_983 + at % 7;
            batches.add(&run(7_000_000_000 + at * 1_000_000, wall, (at % 3) as u32), wall);
            total += wall;
        }
        batches.add(&run(7_000_000_000, 5_000_000_000, 9), 12_345);
        assert_eq!(batches.spans().iter().flat_map(|span| span.values()).sum::<u64>(), total + 12_345);
        assert!(batches.spans().len() > MOST / 2 && batches.spans().len() <= MOST, "{}", batches.spans().len());
        assert!(batches.spans().iter().all(|span| span.contains_key(&StackId(9))), "the long run is in every span");
    }
}
