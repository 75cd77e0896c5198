//! Chrome's trace events: a JSON object with an array of `B` (begin) and `E` (end) events, times in microseconds.
//!
//! Samples are made spans: a frame is open from its first sample to the end of the last one that still has it. Begin and
//! end are used rather than complete (`X`) events since they can be written as the samples are read, and since spans with
//! equal times nest as written.

use pyrometer_model::{Dictionary, Nanoseconds, ProcessId, SampleSource, ThreadId};

use super::Options;
use super::frames::{Frame, FrameId, Frames, Origin, origin, process_label, thread_label};
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
    write!(sink, "\"title\":{}}},\"traceEvents\":[", Text(options.title(dictionary)))?;
    let mut first = true;
    write_names(dictionary, options, &mut first, sink)?;
    let mut described: Vec<String> = Vec::new();
    for_each_edge(&mut tree, source, &options.selection, |tree, thread, at, edge| {
        sink.text(if std::mem::take(&mut first) { "\n" } else { ",\n" })?;
        let (pid, tid) = ids(dictionary, thread);
        write_edge(&tree.frames, edge, at, &mut described, sink)?;
        write!(sink, ",\"pid\":{pid},\"tid\":{tid}}}")
    })?;
    sink.text("\n]}\n")
}

fn write_edge(
    frames: &Frames<'_>,
    edge: Edge,
    at: Nanoseconds,
    described: &mut Vec<String>,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let ts = Microseconds(at.0);
    match edge {
        Edge::Close => write!(sink, "{{\"ph\":\"E\",\"ts\":{ts}"),
        Edge::Open(frame) => {
            // Frames are numbered as they are met, so all up to this one are described by now.
            while described.len() <= frame as usize {
                let next = FrameId::try_from(described.len()).unwrap_or(0);
                described.push(describe(frames, next));
            }
            write!(sink, "{{\"ph\":\"B\",\"ts\":{ts},{}", described[frame as usize])
        }
    }
}

fn describe(frames: &Frames<'_>, id: FrameId) -> String {
    let mut text = format!("\"name\":{}", Text(&frames.name(id)));
    if let Frame::Code(code, line) = frames.get(id) {
        let code = frames.dictionary.code(code);
        let category = category(origin(frames.dictionary, code));
        text.push_str(&format!(",\"cat\":\"{category}\""));
        let file = frames.dictionary.string(code.file);
        if !file.is_empty() {
            text.push_str(&format!(",\"args\":{{\"file\":{},\"line\":{line}}}", Text(file)));
        }
    }
    text
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
