//! `pyrometer dump`: what every thread of a process is doing right now.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use pyrometer_remote::cpython::{Interpreter, Snapshot, ThreadSnapshot, Validity};
use pyrometer_remote::elf::modules_of;
use pyrometer_remote::memory::{LiveMemory, Memory};
use pyrometer_remote::os::pause::Pause;
use pyrometer_remote::os::process;
use pyrometer_remote::os::threads::{Activity, ThreadClock};
use pyrometer_remote::{ErrorKind, os::permissions};
use pyrometer_view::Style;
use serde::Serialize;

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
    locals: Option<BTreeMap<String, String>>,
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
    let mut pause = Pause::default();
    if flags.pause {
        let threads = process::thread_ids(pid).context("cannot list the threads")?;
        pause.stop(threads.into_iter()).context("cannot stop the threads")?;
    }
    let mut snapshot = Snapshot::default();
    for _ in 0..LOOKS {
        interpreter.snapshot(&memory, &mut snapshot).map_err(explained)?;
        if snapshot.threads.iter().all(|thread| thread.validity == Validity::Whole) {
            break;
        }
    }
    let own_namespace = process::has_own_pid_namespace(pid);
    let describe = |thread| describe(pid, own_namespace, &memory, &interpreter, &snapshot, thread, flags.locals);
    let mut threads: Vec<_> = snapshot.threads.iter().map(describe).collect();
    pause.resume();
    threads.sort_by_key(|thread| (thread.native_id != pid, thread.native_id));
    Ok(ProcessDump { pid, command, python: interpreter.version().to_string(), threads })
}

fn describe(
    pid: u32,
    own_namespace: bool,
    memory: &dyn Memory,
    interpreter: &Interpreter,
    snapshot: &Snapshot,
    thread: &ThreadSnapshot,
    with_locals: bool,
) -> ThreadDump {
    let inner = thread.native_id;
    let native_id = if own_namespace { process::outer_thread_id(pid, inner).unwrap_or(inner) } else { inner };
    let activity = ThreadClock::open(pid, native_id).and_then(|mut clock| clock.read(interpreter.gil_wait_addresses()));
    let state = match activity.map(|reading| reading.activity) {
        Ok(Activity::Running) => "active",
        Ok(Activity::WaitingForGil) => "waiting for the GIL",
        Ok(Activity::Blocked) => "idle",
        Err(_) => "unknown",
    };
    let frames = snapshot.frames_of(thread);
    let mut described: Vec<_> = frames
        .iter()
        .enumerate()
        .map(|(depth, &frame)| {
            let code = interpreter.code(frame.code);
            let position = interpreter.resolve(frame);
            let has_column = position.column != pyrometer_model::Position::NO_COLUMN;
            let locals = with_locals
                .then(|| interpreter.locals(memory, thread, depth).map(BTreeMap::from_iter).unwrap_or_default());
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
    let name = interpreter.thread_name(memory, thread).unwrap_or_else(|| process::short_name(pid, native_id));
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
    let _ = writeln!(out, "Process {}: {}", paint("1", &process.pid.to_string()), process.command);
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
            let _ = writeln!(out, "    {native} {}", paint("2", "(in C)"));
        }
        for frame in &thread.frames {
            let place = paint("2", &format!("({}:{})", frame.file, frame.line));
            let _ = writeln!(out, "    {} {place}", paint("1", &frame.function));
            for (name, value) in frame.locals.iter().flatten() {
                let _ = writeln!(out, "        {} = {value}", paint("36", name));
            }
        }
    }
    out
}
