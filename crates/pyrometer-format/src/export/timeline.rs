//! Samples in time order.

use std::collections::HashMap;

use pyrometer_model::{Dictionary, Nanoseconds, SampleRun, SampleSource, Selection, ThreadId};
use rustc_hash::FxBuildHasher;

use super::frames::FrameId;
use super::tree::{NodeId, ROOT, Tree, stream};
use crate::Result;

/// How many runs of threads are held at once while a document is written thread by thread (48 bytes each).
const HELD: u64 = 400_000;

/// One thread's runs, in time order, as often as they are asked for.
pub(super) struct ThreadRuns<'s> {
    pub(super) thread: ThreadId,
    dictionary: &'s Dictionary,
    runs: Runs<'s>,
}

enum Runs<'s> {
    Held(Vec<(SampleRun, Nanoseconds)>),
    /// Too many to hold: they are read from the source each time.
    Read(&'s mut dyn SampleSource, Selection),
}

impl ThreadRuns<'_> {
    /// Calls `visit` with each run and its weight until it fails.
    pub(super) fn replay(&mut self, mut visit: impl FnMut(&SampleRun, Nanoseconds) -> Result<()>) -> Result<()> {
        match &mut self.runs {
            Runs::Held(runs) => runs.iter().try_for_each(|(run, weight)| visit(run, *weight)),
            Runs::Read(source, selection) => stream(self.dictionary, *source, selection, visit),
        }
    }
}

/// Calls `visit` with each thread that has runs in `selection`, by id. Threads are read in groups that fit in memory; a
/// thread that alone does not is read from the source as often as it is replayed.
pub(super) fn for_each_thread(
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    selection: &Selection,
    mut visit: impl FnMut(&mut ThreadRuns<'_>) -> Result<()>,
) -> Result<()> {
    for group in groups(dictionary, source, selection, HELD)? {
        let narrowed = Selection { threads: group.threads.clone(), ..selection.clone() };
        if group.runs > HELD {
            let thread = group.threads[0];
            visit(&mut ThreadRuns { thread, dictionary, runs: Runs::Read(source, narrowed) })?;
            continue;
        }
        let mut held: HashMap<ThreadId, Vec<(SampleRun, Nanoseconds)>, FxBuildHasher> = HashMap::default();
        stream(dictionary, source, &narrowed, |run, weight| {
            held.entry(run.thread).or_default().push((*run, weight));
            Ok(())
        })?;
        for thread in group.threads {
            let runs = Runs::Held(held.remove(&thread).unwrap_or_default());
            visit(&mut ThreadRuns { thread, dictionary, runs })?;
        }
    }
    Ok(())
}

struct Group {
    threads: Vec<ThreadId>,
    runs: u64,
}

/// The threads that have runs, in groups of at most `limit` runs; one that has more is a group of its own.
fn groups(
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    selection: &Selection,
    limit: u64,
) -> Result<Vec<Group>> {
    let mut counts: HashMap<ThreadId, u64, FxBuildHasher> = HashMap::default();
    stream(dictionary, source, selection, |run, _| {
        *counts.entry(run.thread).or_default() += 1;
        Ok(())
    })?;
    let mut counts: Vec<(ThreadId, u64)> = counts.into_iter().collect();
    counts.sort_unstable();
    let mut groups: Vec<Group> = Vec::new();
    for (thread, runs) in counts {
        match groups.last_mut() {
            Some(group) if group.runs + runs <= limit => {
                group.threads.push(thread);
                group.runs += runs;
            }
            _ => groups.push(Group { threads: vec![thread], runs }),
        }
    }
    Ok(groups)
}

/// The edge of a frame that a thread is in for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Edge {
    /// The frame is entered, within those that are open.
    Open(FrameId),
    /// The innermost open frame is left.
    Close,
}

/// Where a thread is while the edges of its frames are found.
#[derive(Clone, Copy)]
struct Cursor {
    node: NodeId,
    end: Nanoseconds,
}

/// Calls `visit` with the edges of every frame in the order of time within each thread: adjacent samples that share outer
/// frames are taken for one stay in those. Where nothing is known about a thread for a while, all its frames are closed.
/// Memory grows with the number of threads and of different stacks only.
pub(super) fn for_each_edge(
    tree: &mut Tree<'_>,
    source: &mut dyn SampleSource,
    selection: &Selection,
    mut visit: impl FnMut(&Tree<'_>, ThreadId, Nanoseconds, Edge) -> Result<()>,
) -> Result<()> {
    let dictionary = tree.frames.dictionary;
    let mut cursors: HashMap<ThreadId, Cursor, FxBuildHasher> = HashMap::default();
    let mut path = Vec::new();
    stream(dictionary, source, selection, |run, _| {
        let cursor = cursors.entry(run.thread).or_insert(Cursor { node: ROOT, end: run.start });
        let start = run.start.max(cursor.end);
        if start > cursor.end {
            close(tree, run.thread, cursor, ROOT, &mut visit)?;
        }
        let node = tree.of_stack(ROOT, run.stack);
        let common = tree.common(cursor.node, node);
        cursor.end = start;
        close(tree, run.thread, cursor, common, &mut visit)?;
        tree.path_from(common, node, &mut path);
        for &opened in &path {
            visit(tree, run.thread, start, Edge::Open(tree.node(opened).frame))?;
        }
        *cursor = Cursor { node, end: start.max(run.end()) };
        Ok(())
    })?;
    let mut cursors: Vec<_> = cursors.into_iter().collect();
    cursors.sort_unstable_by_key(|(thread, _)| *thread);
    for (thread, mut cursor) in cursors {
        close(tree, thread, &mut cursor, ROOT, &mut visit)?;
    }
    Ok(())
}

/// Closes the frames between the cursor and `common`, which is among its callers.
fn close(
    tree: &Tree<'_>,
    thread: ThreadId,
    cursor: &mut Cursor,
    common: NodeId,
    visit: &mut impl FnMut(&Tree<'_>, ThreadId, Nanoseconds, Edge) -> Result<()>,
) -> Result<()> {
    while cursor.node != common {
        visit(tree, thread, cursor.end, Edge::Close)?;
        cursor.node = tree.node(cursor.node).parent;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use pyrometer_model::{MemorySource, Nanoseconds, SampleRun, Selection, ThreadId};

    use super::groups;

    #[test]
    fn threads_are_grouped_within_the_limit() {
        let run =
            |thread| SampleRun { thread: ThreadId(thread), wall: Nanoseconds(1), count: 1, ..SampleRun::default() };
        let runs = [0, 0, 1, 2, 2, 2, 2, 3].map(run).to_vec();
        let mut source = MemorySource { runs, ..MemorySource::default() };
        let dictionary = source.dictionary.clone();
        let groups = groups(&dictionary, &mut source, &Selection::default(), 3).unwrap();
        let threads: Vec<Vec<u32>> = groups.iter().map(|g| g.threads.iter().map(|t| t.0).collect()).collect();
        assert_eq!(threads, [vec![0, 1], vec![2], vec![3]]);
    }
}
