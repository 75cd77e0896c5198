//! The Firefox profiler's processed profile, version 55: a list of threads, each with its tables as columns.
//!
//! The viewer brings older versions up to its own when it loads them, so a version that it has left behind stays
//! readable. A sample stands for its time until the next one; where nothing is known a sample without a stack is put.
//! `threadCPUDelta` is the CPU time between the sample before and this one, in microseconds.

use std::collections::HashMap;

use pyrometer_model::{CodeId, Dictionary, Nanoseconds, Process, SampleSource, ThreadId};
use rustc_hash::FxBuildHasher;

use super::Options;
use super::chrome::ids;
use super::frames::{Frame, Granularity, Origin, code_name, origin, process_label, thread_label};
use super::json::{Microseconds, Milliseconds, Text};
use super::sink::Sink;
use super::timeline::{ThreadRuns, for_each_thread};
use super::tree::{NodeId, ROOT, Tree};
use crate::Result;

/// The categories, by their number, with the viewer's names of colours.
const CATEGORIES: [(&str, &str); 6] = [
    ("Other", "grey"),
    ("Own code", "orange"),
    ("Installed packages", "yellow"),
    ("Standard library", "green"),
    ("Native", "blue"),
    ("Unknown", "grey"),
];

pub(super) fn write(
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    options: &Options,
    sink: &mut Sink<'_>,
) -> Result<()> {
    write_meta(dictionary, options, sink)?;
    let mut first = true;
    for_each_thread(dictionary, source, &options.selection, |runs| {
        sink.text(if std::mem::take(&mut first) { "" } else { "," })?;
        write_thread(dictionary, runs, sink)
    })?;
    sink.text("],\"pages\":[],\"profilerOverhead\":[],\"counters\":[]}\n")
}

fn write_meta(dictionary: &Dictionary, options: &Options, sink: &mut Sink<'_>) -> Result<()> {
    sink.text("{\"meta\":{\"preprocessedProfileVersion\":55,\"version\":24,\"processType\":0,\"debug\":false,\"stackwalk\":0,")?;
    sink.text("\"symbolicated\":true,\"symbolicationNotSupported\":true,\"usesOnlyOneStackType\":true,\"sourceCodeIsNotOnSearchfox\":true,")?;
    sink.text("\"sampleUnits\":{\"time\":\"ms\",\"eventDelay\":\"ms\",\"threadCPUDelta\":\"µs\"},")?;
    sink.text("\"extensions\":{\"length\":0,\"baseURL\":[],\"id\":[],\"name\":[]},\"markerSchema\":[],")?;
    let interval = match dictionary.audit.interval_mean {
        Nanoseconds::ZERO => Nanoseconds::from_millis(1),
        known => known,
    };
    write!(sink, "\"interval\":{},\"startTime\":{},", Milliseconds(interval.0), Milliseconds(dictionary.info.started))?;
    write!(sink, "\"product\":{},\"importedFrom\":\"pyrometer\",", Text(&options.title(dictionary)))?;
    write!(sink, "\"oscpu\":{},\"categories\":[", Text(&dictionary.info.machine))?;
    for (position, (name, color)) in CATEGORIES.iter().enumerate() {
        let separator = if position == 0 { "" } else { "," };
        write!(sink, "{separator}{{\"name\":\"{name}\",\"color\":\"{color}\",\"subcategories\":[\"Other\"]}}")?;
    }
    sink.text("]},\"libs\":[],\"threads\":[")
}

fn write_thread(dictionary: &Dictionary, runs: &mut ThreadRuns<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let thread = dictionary.thread(runs.thread).cloned().unwrap_or_default();
    let process = dictionary.process(thread.process).cloned().unwrap_or_default();
    let (pid, tid) = ids(dictionary, runs.thread);
    write_identity(dictionary, runs.thread, &process, pid, tid, sink)?;
    let mut tree = Tree::new(dictionary, Granularity::Line);
    write_samples(&mut tree, runs, sink)?;
    write_stacks(&tree, sink)?;
    let mut strings = Strings::default();
    let functions = write_frames(&tree, sink)?;
    write_functions(dictionary, &functions, &mut strings, sink)?;
    for table in ["markers", "nativeSymbols", "resourceTable"] {
        write_empty(table, sink)?;
    }
    sink.text(",\"pausedRanges\":[],\"stringArray\":[")?;
    for (position, text) in strings.list.iter().enumerate() {
        write!(sink, "{}{}", if position == 0 { "" } else { "," }, Text(text))?;
    }
    sink.text("]}")
}

fn write_identity(
    dictionary: &Dictionary,
    id: ThreadId,
    process: &Process,
    pid: u32,
    tid: u64,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let thread = dictionary.thread(id).cloned().unwrap_or_default();
    write!(sink, "{{\"name\":{},\"isMainThread\":{},", Text(&thread_label(dictionary, id)), thread.is_main)?;
    write!(sink, "\"processType\":\"default\",\"processName\":{},", Text(&process_label(dictionary, thread.process)))?;
    write!(sink, "\"pid\":\"{pid}\",\"tid\":{tid},\"processStartupTime\":{},", Milliseconds(process.start.0))?;
    sink.text("\"processShutdownTime\":")?;
    match process.end {
        Some(end) => write!(sink, "{}", Milliseconds(end.0))?,
        None => sink.text("null")?,
    }
    write!(sink, ",\"registerTime\":{},\"unregisterTime\":null,", Milliseconds(thread.start.0))?;
    sink.text("\"showMarkersInTimeline\":false,")
}

/// A row of the samples table.
#[derive(Clone, Copy)]
struct Row {
    /// None where nothing is known, and for a stack without frames.
    stack: Option<NodeId>,
    time: Nanoseconds,
    weight: Nanoseconds,
    /// Since the row before.
    cpu: Nanoseconds,
}

fn write_samples(tree: &mut Tree<'_>, runs: &mut ThreadRuns<'_>, sink: &mut Sink<'_>) -> Result<()> {
    sink.text("\"samples\":{\"weightType\":\"tracing-ms\"")?;
    let mut length = 0_u64;
    // One reading for each column, so that no column is ever held.
    for column in ["stack", "time", "weight", "threadCPUDelta"] {
        write!(sink, ",\"{column}\":[")?;
        length = 0;
        for_each_row(tree, runs, |row| {
            sink.text(if length == 0 { "" } else { "," })?;
            length += 1;
            match (column, row.stack) {
                ("stack", None) => sink.text("null"),
                // Stack numbers leave out the tree's root.
                ("stack", Some(node)) => write!(sink, "{}", node - 1),
                ("time", _) => write!(sink, "{}", Milliseconds(row.time.0)),
                ("weight", _) => write!(sink, "{}", Milliseconds(row.weight.0)),
                _ => write!(sink, "{}", Microseconds(row.cpu.0)),
            }
        })?;
        sink.text("]")?;
    }
    write!(sink, ",\"length\":{length}}}")
}

fn for_each_row(
    tree: &mut Tree<'_>,
    runs: &mut ThreadRuns<'_>,
    mut visit: impl FnMut(Row) -> Result<()>,
) -> Result<()> {
    // Where the last run ended, and the CPU time since the last row: that of the run before.
    let mut end: Option<Nanoseconds> = None;
    let mut cpu = Nanoseconds::ZERO;
    runs.replay(|run, weight| {
        if let Some(end) = end.filter(|&end| end < run.start) {
            let unknown = Row { stack: None, time: end, weight: Nanoseconds::ZERO, cpu: std::mem::take(&mut cpu) };
            visit(unknown)?;
        }
        let node = tree.of_stack(ROOT, run.stack);
        visit(Row { stack: (node != ROOT).then_some(node), time: run.start, weight, cpu })?;
        (end, cpu) = (Some(run.end()), run.cpu);
        Ok(())
    })?;
    match end {
        Some(time) => visit(Row { stack: None, time, weight: Nanoseconds::ZERO, cpu }),
        None => Ok(()),
    }
}

fn write_stacks(tree: &Tree<'_>, sink: &mut Sink<'_>) -> Result<()> {
    write!(sink, ",\"stackTable\":{{\"length\":{},\"prefix\":[", tree.len() - 1)?;
    for id in tree.ids() {
        sink.text(if id == 1 { "" } else { "," })?;
        match tree.node(id).parent {
            ROOT => sink.text("null")?,
            parent => write!(sink, "{}", parent - 1)?,
        }
    }
    sink.text("],\"frame\":[")?;
    for id in tree.ids() {
        write!(sink, "{}{}", if id == 1 { "" } else { "," }, tree.node(id).frame)?;
    }
    sink.text("]}")
}

/// Writes the frame table; returns the code of each function, by the function's number.
fn write_frames(tree: &Tree<'_>, sink: &mut Sink<'_>) -> Result<Vec<CodeId>> {
    let dictionary = tree.frames.dictionary;
    let mut functions: Vec<CodeId> = Vec::new();
    let mut index: HashMap<CodeId, usize, FxBuildHasher> = HashMap::default();
    let rows: Vec<(usize, usize, u32)> = tree
        .frames
        .list()
        .iter()
        .map(|frame| {
            let (code, line) = match *frame {
                Frame::Code(code, line) => (code, line),
                Frame::Process(_) | Frame::Thread(_) => (CodeId(u32::MAX), 0),
            };
            let function = *index.entry(code).or_insert(functions.len());
            if function == functions.len() {
                functions.push(code);
            }
            (function, category(origin(dictionary, dictionary.code(code))), line)
        })
        .collect();
    write!(sink, ",\"frameTable\":{{\"length\":{}", rows.len())?;
    write_column("func", &rows, sink, |row| row.0.to_string())?;
    write_column("category", &rows, sink, |row| row.1.to_string())?;
    write_column("line", &rows, sink, |row| number_or_null(row.2))?;
    write_column("column", &rows, sink, |_| "null".to_owned())?;
    write_column("address", &rows, sink, |_| "-1".to_owned())?;
    write_column("inlineDepth", &rows, sink, |_| "0".to_owned())?;
    write_column("subcategory", &rows, sink, |_| "0".to_owned())?;
    write_column("nativeSymbol", &rows, sink, |_| "null".to_owned())?;
    write_column("innerWindowID", &rows, sink, |_| "0".to_owned())?;
    sink.text("}")?;
    Ok(functions)
}

fn write_functions(
    dictionary: &Dictionary,
    functions: &[CodeId],
    strings: &mut Strings,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let rows: Vec<(usize, Option<usize>, u32)> = functions
        .iter()
        .map(|&code| {
            let code = dictionary.code(code);
            let file = dictionary.string(code.file);
            let file = (!file.is_empty()).then(|| strings.id(file));
            (strings.id(&code_name(dictionary, code)), file, code.first_line)
        })
        .collect();
    write!(sink, ",\"funcTable\":{{\"length\":{}", rows.len())?;
    write_column("name", &rows, sink, |row| row.0.to_string())?;
    write_column("isJS", &rows, sink, |_| "false".to_owned())?;
    write_column("relevantForJS", &rows, sink, |_| "false".to_owned())?;
    write_column("resource", &rows, sink, |_| "-1".to_owned())?;
    write_column("fileName", &rows, sink, |row| row.1.map_or_else(|| "null".to_owned(), |file| file.to_string()))?;
    write_column("lineNumber", &rows, sink, |row| number_or_null(row.2))?;
    write_column("columnNumber", &rows, sink, |_| "null".to_owned())?;
    sink.text("}")
}

fn write_column<R>(name: &str, rows: &[R], sink: &mut Sink<'_>, value: impl Fn(&R) -> String) -> Result<()> {
    write!(sink, ",\"{name}\":[")?;
    for (position, row) in rows.iter().enumerate() {
        write!(sink, "{}{}", if position == 0 { "" } else { "," }, value(row))?;
    }
    sink.text("]")
}

fn write_empty(table: &str, sink: &mut Sink<'_>) -> Result<()> {
    let columns: &[&str] = match table {
        "markers" => &["category", "data", "endTime", "name", "phase", "startTime"],
        "nativeSymbols" => &["address", "functionSize", "libIndex", "name"],
        _ => &["lib", "name", "host", "type"],
    };
    write!(sink, ",\"{table}\":{{\"length\":0")?;
    for column in columns {
        write!(sink, ",\"{column}\":[]")?;
    }
    sink.text("}")
}

fn number_or_null(number: u32) -> String {
    if number == 0 { "null".to_owned() } else { number.to_string() }
}

fn category(origin: Origin) -> usize {
    match origin {
        Origin::Own => 1,
        Origin::Library => 2,
        Origin::Standard => 3,
        Origin::Native => 4,
        Origin::Marker => 5,
    }
}

#[derive(Default)]
struct Strings {
    list: Vec<String>,
    index: HashMap<String, usize, FxBuildHasher>,
}

impl Strings {
    fn id(&mut self, text: &str) -> usize {
        if let Some(&id) = self.index.get(text) {
            return id;
        }
        self.list.push(text.to_owned());
        self.index.insert(text.to_owned(), self.list.len() - 1);
        self.list.len() - 1
    }
}
