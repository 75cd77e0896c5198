//! JSON lines: everything that a capture holds, one object a line. What a line refers to stands on an earlier line, so a
//! reader needs one pass, and no line repeats a stack. `docs/formats.md` has the fields of each type.

use pyrometer_model::{
    CodeId, CodeKind, Dictionary, ExitStatus, Flags, LocationId, Position, Process, RecordingMode, SampleRun,
    SampleSource, StackId, StackTable, Thread,
};

use super::Options;
use super::json::Text;
use super::sink::Sink;
use super::tree::stream;
use crate::Result;

/// Raised when a field's meaning changes or a field goes; new fields and new types of line do not raise it.
const SCHEMA: u32 = 1;

const FLAGS: [(Flags, &str); 6] = [
    (Flags::ON_CPU, "on_cpu"),
    (Flags::GIL_HELD, "gil_held"),
    (Flags::GIL_WANTED, "gil_wanted"),
    (Flags::IN_GC, "in_gc"),
    (Flags::IDLE, "idle"),
    (Flags::PARTIAL, "partial"),
];

pub(super) fn write(
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    options: &Options,
    sink: &mut Sink<'_>,
) -> Result<()> {
    write_capture(dictionary, options, sink)?;
    write_audit(dictionary, sink)?;
    for (id, process) in dictionary.processes().iter().enumerate() {
        write_process(dictionary, id, process, sink)?;
    }
    for (id, thread) in dictionary.threads().iter().enumerate() {
        write_thread(dictionary, id, thread, sink)?;
    }
    for line in dictionary.source_lines() {
        write!(sink, "{{\"type\":\"source\",\"file\":{},", Text(dictionary.string(line.file)))?;
        writeln!(sink, "\"line\":{},\"text\":{}}}", line.line, Text(dictionary.string(line.text)))?;
    }
    let mut known = Known::of(dictionary);
    let mut runs = 0_u64;
    stream(dictionary, source, &options.selection, |run, weight| {
        known.write_stack(run.stack, sink)?;
        runs += 1;
        write_run(run, weight.0, sink)
    })?;
    writeln!(sink, "{{\"type\":\"end\",\"runs\":{runs}}}")
}

fn write_capture(dictionary: &Dictionary, options: &Options, sink: &mut Sink<'_>) -> Result<()> {
    let info = &dictionary.info;
    let mode = match info.mode {
        RecordingMode::Sampled => "sampled",
        RecordingMode::SampledPaused => "sampled_paused",
    };
    write!(sink, "{{\"type\":\"capture\",\"schema\":{SCHEMA},\"pyrometer\":{},", Text(&info.pyrometer))?;
    write!(sink, "\"mode\":\"{mode}\",\"command\":[")?;
    for (position, argument) in info.command.iter().enumerate() {
        write!(sink, "{}{}", if position == 0 { "" } else { "," }, Text(argument))?;
    }
    write!(sink, "],\"started_ns\":{},\"machine\":{},", info.started, Text(&info.machine))?;
    writeln!(sink, "\"directory\":{},\"view\":\"{}\"}}", Text(&info.directory), options.selection.view.name())
}

fn write_audit(dictionary: &Dictionary, sink: &mut Sink<'_>) -> Result<()> {
    let audit = &dictionary.audit;
    let figures = [
        ("tried", audit.tried),
        ("whole", audit.whole),
        ("partial", audit.partial),
        ("lost", audit.lost),
        ("retries", audit.retries),
        ("ticks", audit.ticks),
        ("late", audit.late),
        ("missed", audit.missed),
        ("interval_wanted_ns", audit.interval_wanted.0),
        ("interval_mean_ns", audit.interval_mean.0),
        ("interval_longest_ns", audit.interval_longest.0),
        ("duration_ns", audit.duration.0),
        ("sampler_cpu_ns", audit.sampler_cpu.0),
        ("sampler_peak_memory_bytes", audit.sampler_peak_memory),
        ("target_paused_ns", audit.target_paused.0),
        ("processes_seen", audit.processes_seen),
        ("processes_unsampled", audit.processes_unsampled),
        ("processes_not_python", audit.processes_not_python),
        ("bytes_cut", audit.bytes_cut),
    ];
    sink.text("{\"type\":\"audit\"")?;
    for (name, value) in figures {
        write!(sink, ",\"{name}\":{value}")?;
    }
    sink.text("}\n")
}

fn write_process(dictionary: &Dictionary, id: usize, process: &Process, sink: &mut Sink<'_>) -> Result<()> {
    write!(sink, "{{\"type\":\"process\",\"id\":{id},\"pid\":{},\"parent\":", process.pid)?;
    write_optional(process.parent.map(|parent| u64::from(parent.0)), sink)?;
    write!(sink, ",\"command\":{},\"python\":", Text(dictionary.string(process.command)))?;
    match process.python {
        Some(version) => write!(sink, "\"{version}\"")?,
        None => sink.text("null")?,
    }
    write!(sink, ",\"start_ns\":{},\"end_ns\":", process.start.0)?;
    write_optional(process.end.map(|end| end.0), sink)?;
    match process.exit {
        ExitStatus::Unknown => sink.text("}\n"),
        ExitStatus::Code(code) => sink.text(&format!(",\"exit_code\":{code}}}\n")),
        ExitStatus::Signal(signal) => sink.text(&format!(",\"exit_signal\":{signal}}}\n")),
    }
}

fn write_thread(dictionary: &Dictionary, id: usize, thread: &Thread, sink: &mut Sink<'_>) -> Result<()> {
    write!(sink, "{{\"type\":\"thread\",\"id\":{id},\"process\":{},", thread.process.0)?;
    write!(sink, "\"name\":{},\"native_id\":{},", Text(dictionary.string(thread.name)), thread.native_id)?;
    write!(sink, "\"python_id\":{},\"interpreter\":{},", thread.python_id, thread.interpreter)?;
    let (start, end) = (thread.start.0, thread.end.0);
    writeln!(sink, "\"main\":{},\"start_ns\":{start},\"end_ns\":{end}}}", thread.is_main)
}

fn write_optional(value: Option<u64>, sink: &mut Sink<'_>) -> Result<()> {
    match value {
        Some(value) => write!(sink, "{value}"),
        None => sink.text("null"),
    }
}

fn write_run(run: &SampleRun, weight: u64, sink: &mut Sink<'_>) -> Result<()> {
    write!(sink, "{{\"type\":\"run\",\"thread\":{},\"stack\":{},", run.thread.0, run.stack.0)?;
    write!(sink, "\"start_ns\":{},\"samples\":{},", run.start.0, run.count)?;
    write!(sink, "\"wall_ns\":{},\"cpu_ns\":{},\"weight_ns\":{weight},\"flags\":[", run.wall.0, run.cpu.0)?;
    let set = FLAGS.iter().filter(|(flag, _)| run.flags.contains(*flag));
    for (position, (_, name)) in set.enumerate() {
        write!(sink, "{}\"{name}\"", if position == 0 { "" } else { "," })?;
    }
    sink.text("]}\n")
}

/// What was written already.
struct Known<'d> {
    dictionary: &'d Dictionary,
    codes: Vec<bool>,
    locations: Vec<bool>,
    stacks: Vec<bool>,
    pending: Vec<StackId>,
}

impl<'d> Known<'d> {
    fn of(dictionary: &'d Dictionary) -> Self {
        Self {
            dictionary,
            codes: vec![false; dictionary.codes().len()],
            locations: vec![false; dictionary.locations().len()],
            stacks: vec![false; dictionary.stacks.len()],
            pending: Vec::new(),
        }
    }

    /// Writes the stack's frames that are new, callers first.
    fn write_stack(&mut self, stack: StackId, sink: &mut Sink<'_>) -> Result<()> {
        let mut next = stack;
        while let Some(node) = self.dictionary.stacks.get(next) {
            if first(&mut self.stacks, next.index()) {
                self.pending.push(next);
                next = node.parent;
            } else {
                break;
            }
        }
        while let Some(id) = self.pending.pop() {
            let Some(node) = self.dictionary.stacks.get(id) else { continue };
            self.write_location(node.location, sink)?;
            write!(sink, "{{\"type\":\"stack\",\"id\":{},\"parent\":", id.0)?;
            write_optional((node.parent != StackTable::EMPTY).then_some(node.parent.0.into()), sink)?;
            writeln!(sink, ",\"location\":{}}}", node.location.0)?;
        }
        Ok(())
    }

    fn write_location(&mut self, id: LocationId, sink: &mut Sink<'_>) -> Result<()> {
        if !first(&mut self.locations, id.index()) {
            return Ok(());
        }
        let location = self.dictionary.location(id);
        self.write_code(location.code, sink)?;
        let position = location.position;
        let known = |value: u32, unknown: u32| (value != unknown).then_some(u64::from(value));
        write!(sink, "{{\"type\":\"location\",\"id\":{},\"function\":{}", id.0, location.code.0)?;
        let fields = [
            ("line", known(position.line, 0)),
            ("end_line", known(position.end_line, 0)),
            ("column", known(position.column, Position::NO_COLUMN)),
            ("end_column", known(position.end_column, Position::NO_COLUMN)),
        ];
        for (name, value) in fields {
            write!(sink, ",\"{name}\":")?;
            write_optional(value, sink)?;
        }
        sink.text("}\n")
    }

    fn write_code(&mut self, id: CodeId, sink: &mut Sink<'_>) -> Result<()> {
        if !first(&mut self.codes, id.index()) {
            return Ok(());
        }
        let code = self.dictionary.code(id);
        let kind = match code.kind {
            CodeKind::Python => "python",
            CodeKind::Native => "native",
            CodeKind::Marker => "marker",
        };
        let text = |id| Text(self.dictionary.string(id));
        write!(sink, "{{\"type\":\"function\",\"id\":{},\"kind\":\"{kind}\",\"name\":{},", id.0, text(code.name))?;
        write!(sink, "\"qualified_name\":{},\"module\":{},", text(code.qualified_name), text(code.module))?;
        writeln!(sink, "\"file\":{},\"first_line\":{}}}", text(code.file), code.first_line)
    }
}

/// Whether `at` is met for the first time. What is not in the table was never interned, and is written each time.
fn first(seen: &mut [bool], at: usize) -> bool {
    seen.get_mut(at).is_none_or(|seen| !std::mem::replace(seen, true))
}
