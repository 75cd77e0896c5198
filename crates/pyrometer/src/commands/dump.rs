//! `pyrometer dump`: what every thread of a process is doing right now.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use pyrometer_analyze::printable;
use pyrometer_remote::cpython::{Interpreter, Snapshot, ThreadSnapshot, Validity};
use pyrometer_remote::elf::modules_of;
use pyrometer_remote::memory::{LiveMemory, Memory};
use pyrometer_remote::os::pause::Pause;
use pyrometer_remote::os::process;
use pyrometer_remote::os::threads::{Activity, ThreadClock};
use pyrometer_remote::{ErrorKind, os::permissions};
use pyrometer_view::Style;
use serde::{Serialize, Serializer};

use crate::failure::WithHint;
use crate::flags::Dump;
use crate::terminal;

/// The name and version of the dump's JSON form, described in `docs/report-schema.md`.
const SCHEMA: &str = "pyrometer.dump/1";
/// How often a look is repeated when some stack could not be proven. Each takes a few microseconds.
const LOOKS: usize = 50;

/// All processes that were asked for.
#[derive(Debug, Serialize)]
struct Answer {
    schema: &'static str,
    processes: Vec<ProcessDump>,
}

/// One process.
#[derive(Debug, Serialize)]
struct ProcessDump {
    pid: u32,
    command: String,
    python: String,
    threads: Vec<ThreadDump>,
}

/// One thread, its innermost frame first.
#[derive(Debug, Serialize)]
struct ThreadDump {
    name: String,
    native_id: u32,
    ident: u64,
    interpreter: i64,
    state: &'static str,
    holds_gil: bool,
    in_gc: bool,
    /// `whole`, `partial` (the innermost frames could not be proven) or `failed`.
    stack: &'static str,
    /// The C function that the innermost frame is calling.
    native: Option<String>,
    frames: Vec<FrameDump>,
}

/// One frame.
#[derive(Debug, Serialize)]
struct FrameDump {
    function: String,
    file: String,
    line: u32,
    end_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locals: Option<Locals>,
}

/// Names and values in the order in which the function has them: arguments first.
#[derive(Debug)]
struct Locals(Vec<(String, String)>);

impl Serialize for Locals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Prints the threads of the process.
///
/// # Errors
/// When it is not there, is no Python, or may not be read.
pub fn run(flags: &Dump) -> Result<ExitCode> {
    let Some(pid) = flags.pid.or(flags.pid_option) else { bail!("no process given\nhint: pyrometer dump PID") };
    let mut processes = vec![dump(pid, flags).with_context(|| format!("cannot dump process {pid}"))?];
    if flags.subprocesses {
        let mut next = process::children(pid);
        while let Some(child) = next.pop() {
            next.extend(process::children(child));
            match dump(child, flags) {
                Ok(process) => processes.push(process),
                Err(error) => eprintln!("pyrometer: note: process {child} is left out: {error:#}"),
            }
        }
        processes[1..].sort_by_key(|process| process.pid);
    }
    let mut out = std::io::stdout().lock();
    let text = if flags.json {
        let mut json =
            serde_json::to_string_pretty(&Answer { schema: SCHEMA, processes }).context("cannot write JSON")?;
        json.push('\n');
        json
    } else {
        let style = terminal::style(&flags.looks, &std::io::stdout());
        processes.iter().map(|process| render(process, &style)).collect::<Vec<_>>().join("\n")
    };
    out.write_all(text.as_bytes()).context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

fn dump(pid: u32, flags: &Dump) -> Result<ProcessDump> {
    let command = process::command_line(pid);
    let explained = |error: pyrometer_remote::Error| match error.kind() {
        ErrorKind::Denied => WithHint::remote(&permissions::denied(pid)),
        _ => WithHint::remote(&error),
    };
    let modules = modules_of(pid).map_err(explained)?;
    let memory = LiveMemory::new(pid);
    let mut interpreter = Interpreter::attach(&memory, &modules).map_err(explained)?;
    let mut snapshot = Snapshot::default();
    interpreter.snapshot(&memory, &mut snapshot).map_err(explained)?;
    // What threads do is seen before they are stopped: a stopped one does nothing.
    let ids = process::thread_ids(pid).context("cannot list the threads")?;
    let activity = |id: &u32| {
        let reading = ThreadClock::open(pid, *id).and_then(|mut clock| clock.read(interpreter.gil_wait_addresses()));
        Some((*id, reading.ok()?.activity))
    };
    let activities = ids.iter().filter_map(activity).collect();
    let mut pause = Pause::default();
    if flags.pause {
        pause.stop(ids.into_iter()).context("cannot stop the threads")?;
    }
    for _ in 0..LOOKS {
        interpreter.snapshot(&memory, &mut snapshot).map_err(explained)?;
        if snapshot.threads.iter().all(|thread| thread.validity == Validity::Whole) {
            break;
        }
    }
    let own_namespace = process::has_own_pid_namespace(pid);
    let locals = flags.locals > 0;
    let look = Look {
        pid,
        own_namespace,
        memory: &memory,
        interpreter: &interpreter,
        snapshot: &snapshot,
        activities,
        locals,
    };
    let mut threads: Vec<_> = snapshot.threads.iter().map(|thread| describe(&look, thread)).collect();
    pause.resume();
    threads.sort_by_key(|thread| (thread.native_id != pid, thread.native_id));
    Ok(ProcessDump { pid, command, python: interpreter.version().to_string(), threads })
}

/// All that is known of a process at the moment it is looked at.
struct Look<'a> {
    pid: u32,
    own_namespace: bool,
    memory: &'a dyn Memory,
    interpreter: &'a Interpreter,
    snapshot: &'a Snapshot,
    activities: HashMap<u32, Activity>,
    locals: bool,
}

fn describe(look: &Look<'_>, thread: &ThreadSnapshot) -> ThreadDump {
    let (pid, interpreter, inner) = (look.pid, look.interpreter, thread.native_id);
    let native_id = if look.own_namespace { process::outer_thread_id(pid, inner).unwrap_or(inner) } else { inner };
    let state = match look.activities.get(&native_id) {
        Some(Activity::Running) => "active",
        Some(Activity::WaitingForGil) => "waiting for the GIL",
        Some(Activity::Blocked) => "idle",
        None => "unknown",
    };
    let frames = look.snapshot.frames_of(thread);
    let mut described: Vec<_> = frames
        .iter()
        .enumerate()
        .map(|(depth, &frame)| {
            let code = interpreter.code(frame.code);
            let position = interpreter.resolve(frame);
            let has_column = position.column != pyrometer_model::Position::NO_COLUMN;
            let locals =
                look.locals.then(|| Locals(interpreter.locals(look.memory, thread, depth).unwrap_or_default()));
            FrameDump {
                function: code.map_or_else(String::new, |code| code.qualified_name.clone()),
                file: code.map_or_else(String::new, |code| code.file.clone()),
                line: position.line,
                end_line: position.end_line,
                column: has_column.then_some(position.column),
                end_column: has_column.then_some(position.end_column),
                locals,
            }
        })
        .collect();
    described.reverse();
    let name = interpreter.thread_name(look.memory, thread).unwrap_or_else(|| {
        // `threading` may not be imported; it would call the first thread so.
        if native_id == pid { "MainThread".to_owned() } else { process::short_name(pid, native_id) }
    });
    ThreadDump {
        name,
        native_id,
        ident: thread.ident,
        interpreter: thread.interpreter,
        state,
        holds_gil: thread.holds_gil,
        in_gc: thread.in_gc,
        stack: match thread.validity {
            Validity::Whole => "whole",
            Validity::Partial => "partial",
            Validity::Failed => "failed",
        },
        native: thread.native.and_then(|key| interpreter.native(key)).map(str::to_owned),
        frames: described,
    }
}

fn render(process: &ProcessDump, style: &Style) -> String {
    let paint = |code: &str, text: &str| {
        if style.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let mut out = String::new();
    let _ = writeln!(out, "Process {}: {}", paint("1", &process.pid.to_string()), printable(&process.command));
    let _ = writeln!(out, "Python {}", process.python);
    for thread in &process.threads {
        let mut state = thread.state.to_owned();
        for (is_so, word) in [(thread.holds_gil, "+gil"), (thread.in_gc, "+gc")] {
            if is_so {
                state.push_str(word);
            }
        }
        let interpreter = match thread.interpreter {
            0 => String::new(),
            number => format!(" in interpreter {number}"),
        };
        let color = if thread.state == "active" { "32" } else { "2" };
        let _ =
            writeln!(out, "\nThread {} ({}): \"{}\"{interpreter}", thread.native_id, paint(color, &state), thread.name);
        match thread.stack {
            "partial" => out.push_str("    <unknown> (the innermost frames changed while they were read)\n"),
            "failed" => {
                out.push_str("    <unknown> (the stack changed while it was read; --pause stops it for that)\n")
            }
            _ if thread.frames.is_empty() => out.push_str("    (no Python frames)\n"),
            _ => {}
        }
        if let Some(native) = &thread.native {
            let _ = writeln!(out, "    {} {}", printable(native), paint("2", "(in C)"));
        }
        for frame in &thread.frames {
            let place = paint("2", &format!("({}:{})", printable(&frame.file), frame.line));
            let _ = writeln!(out, "    {} {place}", paint("1", &printable(&frame.function)));
            for (name, value) in frame.locals.iter().flat_map(|locals| &locals.0) {
                let _ = writeln!(out, "        {} = {}", paint("36", &printable(name)), printable(value));
            }
        }
    }
    out
}
