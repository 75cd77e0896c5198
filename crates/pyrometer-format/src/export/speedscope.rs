//! Speedscope's JSON: shared frames, and for each thread its stacks in time order with their weights in nanoseconds.
//!
//! The shape is that of the `file-format-schema.json` that speedscope publishes. A sample is a list of frame numbers, so
//! the document's size is that of all stacks written out; adjacent equal stacks are written once.

use pyrometer_model::{Dictionary, SampleSource};

use super::frames::{Frame, Frames, thread_label};
use super::json::Text;
use super::sink::Sink;
use super::timeline::{ThreadRuns, for_each_thread};
use super::tree::{NodeId, Profile, ROOT, Roots, Tree};
use super::{Options, frames};
use crate::Result;

const SCHEMA: &str = "https://www.speedscope.app/file-format-schema.json";

pub(super) fn write(
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    options: &Options,
    sink: &mut Sink<'_>,
) -> Result<()> {
    write!(sink, "{{\"$schema\":{},\"exporter\":{},", Text(SCHEMA), Text(&exporter(dictionary)))?;
    write!(sink, "\"name\":{},\"profiles\":[", Text(&options.title(dictionary)))?;
    let frames = if options.apart(true) {
        write_threads(dictionary, source, options, sink)?
    } else {
        write_together(dictionary, source, options, sink)?
    };
    // The frames come last: they are known only when every stack was seen, and JSON's members have no order.
    sink.text("],\"shared\":{\"frames\":[")?;
    write_frames(&frames, sink)?;
    sink.text("]}}\n")
}

fn exporter(dictionary: &Dictionary) -> String {
    match dictionary.info.pyrometer.as_str() {
        "" => "pyrometer".to_owned(),
        version => format!("pyrometer@{version}"),
    }
}

fn write_threads<'d>(
    dictionary: &'d Dictionary,
    source: &mut dyn SampleSource,
    options: &Options,
    sink: &mut Sink<'_>,
) -> Result<Frames<'d>> {
    let mut tree = Tree::new(dictionary, options.granularity());
    let processes = Roots::choose(dictionary, &options.selection, true).processes;
    let mut first = true;
    for_each_thread(dictionary, source, &options.selection, |runs| {
        let separator = if std::mem::take(&mut first) { "" } else { "," };
        let mut name = thread_label(dictionary, runs.thread);
        if processes && let Some(thread) = dictionary.thread(runs.thread) {
            name = format!("{name} of {}", frames::process_label(dictionary, thread.process));
        }
        write!(sink, "{separator}{{\"type\":\"sampled\",\"name\":{},\"unit\":\"nanoseconds\",", Text(&name))?;
        sink.text("\"startValue\":0,\"samples\":[")?;
        let mut first = true;
        for_each_stay(&mut tree, runs, |tree, node, _| {
            sink.text(if std::mem::take(&mut first) { "" } else { "," })?;
            write_stack(tree, node, sink)
        })?;
        sink.text("],\"weights\":[")?;
        let (mut first, mut total) = (true, 0);
        for_each_stay(&mut tree, runs, |_, _, weight| {
            total += weight;
            write!(sink, "{}{weight}", if std::mem::take(&mut first) { "" } else { "," })
        })?;
        write!(sink, "],\"endValue\":{total}}}")
    })?;
    Ok(tree.frames)
}

/// Calls `visit` with the nodes that the thread was in, one after the other, and their weights in nanoseconds. Gaps are left
/// out: the format has no time axis but the sum of the weights.
fn for_each_stay(
    tree: &mut Tree<'_>,
    runs: &mut ThreadRuns<'_>,
    mut visit: impl FnMut(&Tree<'_>, NodeId, u64) -> Result<()>,
) -> Result<()> {
    let mut stay: Option<(NodeId, u64)> = None;
    runs.replay(|run, weight| {
        let node = tree.of_stack(ROOT, run.stack);
        if let Some((last, sum)) = &mut stay
            && *last == node
        {
            *sum += weight.0;
            return Ok(());
        }
        stay.replace((node, weight.0)).map_or(Ok(()), |(node, sum)| visit(tree, node, sum))
    })?;
    stay.map_or(Ok(()), |(node, sum)| visit(tree, node, sum))
}

fn write_stack(tree: &Tree<'_>, node: u32, sink: &mut Sink<'_>) -> Result<()> {
    let mut frames: Vec<u32> = tree.leaf_first(node).collect();
    frames.reverse();
    sink.bytes(b"[")?;
    for (position, frame) in frames.iter().enumerate() {
        write!(sink, "{}{frame}", if position == 0 { "" } else { "," })?;
    }
    sink.bytes(b"]")
}

/// One profile of all threads. They have no time order in common, so each stack is written once, as first met.
fn write_together<'d>(
    dictionary: &'d Dictionary,
    source: &mut dyn SampleSource,
    options: &Options,
    sink: &mut Sink<'_>,
) -> Result<Frames<'d>> {
    let roots = Roots::choose(dictionary, &options.selection, false);
    let profile = Profile::collect(dictionary, source, &options.selection, options.granularity(), roots)?;
    let used: Vec<u32> = (0..u32::try_from(profile.tree.len()).unwrap_or(u32::MAX))
        .filter(|&id| !profile.own[id as usize].is_nothing())
        .collect();
    if !used.is_empty() {
        sink.text("{\"type\":\"sampled\",\"name\":\"all threads\",\"unit\":\"nanoseconds\",\"startValue\":0,")?;
        sink.text("\"samples\":[")?;
        for (position, &id) in used.iter().enumerate() {
            sink.text(if position == 0 { "" } else { "," })?;
            write_stack(&profile.tree, id, sink)?;
        }
        sink.text("],\"weights\":[")?;
        let mut total = 0;
        for (position, &id) in used.iter().enumerate() {
            let weight = profile.own[id as usize].time.0;
            total += weight;
            write!(sink, "{}{weight}", if position == 0 { "" } else { "," })?;
        }
        write!(sink, "],\"endValue\":{total}}}")?;
    }
    Ok(profile.tree.frames)
}

fn write_frames(frames: &Frames<'_>, sink: &mut Sink<'_>) -> Result<()> {
    for (id, frame) in (0_u32..).zip(frames.list()) {
        write!(sink, "{}{{\"name\":{}", if id == 0 { "" } else { "," }, Text(&frames.name(id)))?;
        if let Frame::Code(code, line) = *frame {
            let file = frames.dictionary.string(frames.dictionary.code(code).file);
            if !file.is_empty() {
                write!(sink, ",\"file\":{}", Text(file))?;
            }
            if line > 0 {
                write!(sink, ",\"line\":{line}")?;
            }
        }
        sink.bytes(b"}")?;
    }
    Ok(())
}
