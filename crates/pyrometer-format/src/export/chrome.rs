//! Chrome's trace events: a JSON object with an array of `B` (begin) and `E` (end) events, times in microseconds.
//!
//! Samples are made spans: a frame is open from its first sample to the end of the last one that still has it. Begin and
//! end are used rather than complete (`X`) events since they can be written as the samples are read, and since spans with
//! equal times nest as written. Both carry the name: some viewers (speedscope) end only what is named. File and line are
//! part of the name and not arguments, since such viewers compare those too, which would double the size.

use std::collections::HashMap;

use pyrometer_model::{Dictionary, ProcessId, SampleSource, ThreadId};
use rustc_hash::FxBuildHasher;

use super::Options;
use super::frames::{FrameId, Frames, Origin, origin, process_label, thread_label};
use super::json::{Microseconds, Text};
use super::sink::Sink;
use super::timeline::{Edge, for_each_edge};
use super::tree::Tree;
use crate::Result;

pub(super) fn write(
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    options: &Options,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mut tree = Tree::new(dictionary, options.granularity());
    sink.text("{\"displayTimeUnit\":\"ms\",\"otherData\":{")?;
    write!(sink, "\"exporter\":\"pyrometer\",\"view\":\"{}\",", options.selection.view.name())?;
    write!(sink, "\"title\":{}}},\"traceEvents\":[", Text(&options.title(dictionary)))?;
    let mut first = true;
    write_names(dictionary, options, &mut first, sink)?;
    let mut described: Vec<String> = Vec::new();
    let mut open: HashMap<ThreadId, Open, FxBuildHasher> = HashMap::default();
    for_each_edge(&mut tree, source, &options.selection, |tree, thread, at, edge| {
        let Some((phase, frame, ts)) = open.entry(thread).or_default().pass(edge, at.0) else { return Ok(()) };
        // Frames are numbered as they are met, so all up to this one can be described by now.
        while described.len() <= frame as usize {
            let next = FrameId::try_from(described.len()).unwrap_or(0);
            described.push(describe(&tree.frames, next));
        }
        sink.text(if std::mem::take(&mut first) { "\n" } else { ",\n" })?;
        let (pid, tid) = ids(dictionary, thread);
        write!(sink, "{{\"ph\":\"{phase}\",\"ts\":{},{}", Microseconds(ts), described[frame as usize])?;
        write!(sink, ",\"pid\":{pid},\"tid\":{tid}}}")
    })?;
    sink.text("\n]}\n")
}

/// The spans of a thread that are open.
#[derive(Default)]
struct Open {
    /// Each frame and when it began, outermost first.
    spans: Vec<(FrameId, u64)>,
    last: u64,
}

impl Open {
    /// The event for `edge`: its phase, frame and time. An end is written a nanosecond early: of an end and a begin of one
    /// name and time, speedscope takes the begin first, which would put all that follows into the wrong span.
    fn pass(&mut self, edge: Edge, at: u64) -> Option<(char, FrameId, u64)> {
        let (phase, frame, at) = match edge {
            Edge::Open(frame) => {
                self.spans.push((frame, at));
                ('B', frame, at)
            }
            Edge::Close => {
                let (frame, begun) = self.spans.pop()?;
                ('E', frame, at.saturating_sub(1).max(begun))
            }
        };
        self.last = self.last.max(at);
        Some((phase, frame, self.last))
    }
}

fn describe(frames: &Frames<'_>, id: FrameId) -> String {
    let origin = frames.code(id).map_or(Origin::Marker, |code| origin(frames.dictionary, code));
    format!("\"name\":{},\"cat\":\"{}\"", Text(&frames.label(id)), category(origin))
}

/// The category of a slice, by which viewers filter.
pub(super) fn category(origin: Origin) -> &'static str {
    match origin {
        Origin::Own => "own",
        Origin::Library => "library",
        Origin::Standard => "standard",
        Origin::Native => "native",
        Origin::Marker => "marker",
    }
}

/// The process and thread id that a thread goes by. A thread whose kernel id is not known gets one that no kernel gives.
pub(super) fn ids(dictionary: &Dictionary, thread: ThreadId) -> (u32, u64) {
    let Some(known) = dictionary.thread(thread) else { return (0, made_up(thread)) };
    let pid = dictionary.process(known.process).map_or(0, |process| process.pid);
    (pid, if known.native_id == 0 { made_up(thread) } else { known.native_id })
}

/// The kernel's ids end at 2²² (`PID_MAX_LIMIT`).
fn made_up(thread: ThreadId) -> u64 {
    (1 << 24) + u64::from(thread.0)
}

fn write_names(dictionary: &Dictionary, options: &Options, first: &mut bool, sink: &mut Sink<'_>) -> Result<()> {
    let mut name = |kind: &str, pid: u32, tid: Option<u64>, name: &str| {
        sink.text(if std::mem::take(first) { "\n" } else { ",\n" })?;
        write!(sink, "{{\"ph\":\"M\",\"name\":\"{kind}\",\"pid\":{pid}")?;
        if let Some(tid) = tid {
            write!(sink, ",\"tid\":{tid}")?;
        }
        write!(sink, ",\"args\":{{\"name\":{}}}}}", Text(name))
    };
    let (processes, threads) = named(dictionary, options);
    for process in processes {
        let pid = dictionary.process(process).map_or(0, |process| process.pid);
        name("process_name", pid, None, &process_label(dictionary, process))?;
    }
    for thread in threads {
        let (pid, tid) = ids(dictionary, thread);
        name("thread_name", pid, Some(tid), &thread_label(dictionary, thread))?;
    }
    Ok(())
}

/// The processes and threads that the selection asks for.
pub(super) fn named(dictionary: &Dictionary, options: &Options) -> (Vec<ProcessId>, Vec<ThreadId>) {
    let threads: Vec<ThreadId> = (0..dictionary.threads().len())
        .map(ThreadId::from_index)
        .filter(|&thread| options.selection.has_thread(dictionary, thread))
        .collect();
    let of = |thread: &ThreadId| dictionary.thread(*thread).map(|thread| thread.process);
    let mut processes: Vec<ProcessId> = threads.iter().filter_map(of).collect();
    processes.sort_unstable();
    processes.dedup();
    (processes, threads)
}
