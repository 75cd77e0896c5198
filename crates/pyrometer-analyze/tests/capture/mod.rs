//! Captures made by hand, for the tests of analysis and views.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses a part of it, and a test may panic")]

use pyrometer_model::{
    Audit, Code, CodeKind, Dictionary, Flags, Location, LocationId, MemorySource, Nanoseconds, Position, Process,
    ProcessId, PythonVersion, SampleRun, StackId, Thread, ThreadId,
};

/// On a processor and holding the GIL, as most samples are.
pub const BUSY: Flags = Flags(Flags::ON_CPU.0 | Flags::GIL_HELD.0);

/// A capture in the making. Each thread has its own clock.
#[derive(Default)]
pub struct Builder {
    pub dictionary: Dictionary,
    runs: Vec<SampleRun>,
    clocks: Vec<u64>,
}

impl Builder {
    /// One process with a main thread.
    pub fn new(command: &str) -> Self {
        let mut builder = Self::default();
        builder.process(command, None);
        builder.thread("MainThread", true);
        builder
    }

    pub fn process(&mut self, command: &str, parent: Option<ProcessId>) -> ProcessId {
        let command = self.dictionary.strings.intern(command);
        let python = Some(PythonVersion { major: 3, minor: 12, micro: 4 });
        let pid = 4000 + self.dictionary.processes().len() as u32;
        self.dictionary.add_process(Process { pid, parent, command, python, ..Process::default() })
    }

    /// A thread of the process that was added last.
    pub fn thread(&mut self, name: &str, is_main: bool) -> ThreadId {
        let name = self.dictionary.strings.intern(name);
        let process = ProcessId::from_index(self.dictionary.processes().len() - 1);
        self.clocks.push(0);
        let native_id = 5000 + self.clocks.len() as u64;
        self.dictionary.add_thread(Thread { process, name, is_main, native_id, ..Thread::default() })
    }

    /// `"redact audit_log /app/audit_log.py:38:41"` (qualified name, module, file, first line, line), with `:20-40` behind
    /// it for columns; `"!time.sleep"` is a C function, `"<gc>"` a marker.
    pub fn frame(&mut self, text: &str) -> LocationId {
        if text.starts_with('<') && !text.contains(' ') {
            return self.dictionary.intern_marker(text);
        }
        if let Some(native) = text.strip_prefix('!') {
            let (module, name) = native.rsplit_once('.').unwrap_or(("", native));
            let name = self.dictionary.strings.intern(name);
            let module = self.dictionary.strings.intern(module);
            let code = Code { kind: CodeKind::Native, name, qualified_name: name, module, ..Code::default() };
            let code = self.dictionary.intern_code(code);
            return self.dictionary.intern_location(Location { code, offset: -1, position: Position::UNKNOWN });
        }
        let mut parts = text.splitn(3, ' ');
        let (qualified, module, place) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let mut place = place.split(':');
        let (file, first, line) = (place.next().unwrap(), place.next().unwrap(), place.next().unwrap());
        let mut position = Position::line(line.parse().unwrap());
        if let Some((column, end_column)) = place.next().and_then(|columns| columns.split_once('-')) {
            position.column = column.parse().unwrap();
            position.end_column = end_column.parse().unwrap();
        }
        let strings = &mut self.dictionary.strings;
        let code = Code {
            kind: CodeKind::Python,
            name: strings.intern(qualified.rsplit('.').next().unwrap()),
            qualified_name: strings.intern(qualified),
            module: strings.intern(module),
            file: strings.intern(file),
            first_line: first.parse().unwrap(),
        };
        let code = self.dictionary.intern_code(code);
        self.dictionary.intern_location(Location { code, offset: position.line as i32 * 2, position })
    }

    /// A stack, outermost frame first.
    pub fn stack(&mut self, frames: &[&str]) -> StackId {
        let frames: Vec<LocationId> = frames.iter().map(|frame| self.frame(frame)).collect();
        self.dictionary.stacks.intern_frames(frames)
    }

    /// The thread spends `milliseconds`, one sample each, on `stack`.
    pub fn spend(&mut self, thread: ThreadId, stack: StackId, flags: Flags, milliseconds: u64) {
        let wall = Nanoseconds::from_millis(milliseconds);
        let cpu = if flags.contains(Flags::ON_CPU) { wall } else { Nanoseconds::ZERO };
        let clock = &mut self.clocks[thread.index()];
        let start = Nanoseconds(*clock);
        *clock += wall.0;
        self.runs.push(SampleRun { thread, stack, flags, start, count: milliseconds as u32, wall, cpu });
    }

    /// The main thread is busy for `milliseconds` on the stack of `frames`.
    pub fn busy(&mut self, frames: &[&str], milliseconds: u64) {
        let stack = self.stack(frames);
        self.spend(ThreadId(0), stack, BUSY, milliseconds);
    }

    pub fn source(&mut self, file: &str, first: u32, lines: &[&str]) {
        let file = self.dictionary.strings.intern(file);
        for (at, line) in lines.iter().enumerate() {
            self.dictionary.add_source_line(file, first + at as u32, line);
        }
    }

    pub fn finish(mut self) -> MemorySource {
        self.runs.sort_by_key(|run| run.start);
        let tried: u64 = self.runs.iter().map(|run| u64::from(run.count)).sum();
        let duration = Nanoseconds(self.clocks.iter().copied().max().unwrap_or(0));
        let partial =
            self.runs.iter().filter(|run| run.flags.contains(Flags::PARTIAL)).map(|run| u64::from(run.count)).sum();
        self.dictionary.audit = Audit {
            tried,
            whole: tried - partial,
            partial,
            ticks: duration.0 / 1_000_000,
            late: 3,
            interval_wanted: Nanoseconds::from_millis(1),
            interval_mean: Nanoseconds(1_002_000),
            interval_longest: Nanoseconds::from_millis(4),
            duration,
            sampler_cpu: Nanoseconds(duration.0 / 110),
            sampler_peak_memory: 6_100_000,
            processes_seen: self.dictionary.processes().len() as u64,
            ..Audit::default()
        };
        "0.1.0".clone_into(&mut self.dictionary.info.pyrometer);
        MemorySource { dictionary: self.dictionary, runs: self.runs }
    }
}

const MAIN: &str = "<module> __main__ /app/ticket_service.py:1:93";
const HANDLE: &str = "TicketService.handle __main__ /app/ticket_service.py:60:71";
const RECORD: &str = "AuditLog.record audit_log /app/audit_log.py:50:57";
const REDACT: &str = "redact audit_log /app/audit_log.py:38:41:15-46";
const COMPILE: &str = "compile re /usr/lib/python3.12/re/__init__.py:226:228";
const CACHED: &str = "_compile re /usr/lib/python3.12/re/__init__.py:280:294";
const COMPILER: &str = "compile re._compiler /usr/lib/python3.12/re/_compiler.py:740:745";

/// The ticket service of the story: a redaction pattern that is compiled for every ticket.
pub fn ticket_service() -> MemorySource {
    let mut builder = Builder::new("python ticket_service.py");
    builder.source(
        "/app/audit_log.py",
        38,
        &[
            "def redact(text: str) -> str:",
            "    \"\"\"Hides e-mail addresses and card numbers.\"\"\"",
            "    # One pattern, so that nothing is missed.",
            "    pattern = re.compile(REDACTION, re.IGNORECASE)",
            "    return pattern.sub(\"[redacted]\", text)",
        ],
    );
    builder.source("/app/tokeniser.py", 15, &["    for word in text.lower().split():"]);
    let inside = [
        ("_parse re._parser /usr/lib/python3.12/re/_parser.py:512:560", 18),
        ("_parse_sub re._parser /usr/lib/python3.12/re/_parser.py:452:470", 7),
        ("get re._parser /usr/lib/python3.12/re/_parser.py:256:259", 9),
        ("_optimize_charset re._compiler /usr/lib/python3.12/re/_compiler.py:241:300", 22),
        ("_compile re._compiler /usr/lib/python3.12/re/_compiler.py:37:120", 15),
        ("_simple re._compiler /usr/lib/python3.12/re/_compiler.py:200:210", 6),
        ("getwidth re._parser /usr/lib/python3.12/re/_parser.py:178:190", 5),
        ("_code re._compiler /usr/lib/python3.12/re/_compiler.py:612:630", 4),
    ];
    let mut redact = vec![MAIN, HANDLE, RECORD, REDACT, COMPILE, CACHED, COMPILER];
    for _ in 0..125 {
        for (leaf, milliseconds) in inside {
            redact.push(leaf);
            builder.busy(&redact, milliseconds);
            redact.pop();
        }
        builder.busy(&redact, 3);
        builder.busy(&[MAIN, HANDLE, RECORD, "redact audit_log /app/audit_log.py:38:42:4-41", "!re.Pattern.sub"], 1);
        builder.busy(&[MAIN, HANDLE, "tokenise tokeniser /app/tokeniser.py:12:15"], 4);
        builder.busy(&[MAIN, HANDLE, "classify classifier /app/classifier.py:20:33"], 3);
        builder.busy(&[MAIN, HANDLE, "format_response formatter /app/formatter.py:8:14"], 1);
        builder.busy(&[MAIN, HANDLE], 1);
    }
    let stack = builder.stack(&[MAIN, HANDLE, "<unknown>"]);
    builder.spend(ThreadId(0), stack, BUSY | Flags::PARTIAL, 4);
    builder.finish()
}

/// A program whose main thread waits for a page, again and again.
pub fn crawler() -> MemorySource {
    let mut builder = Builder::new("python crawler.py");
    builder.source("/app/crawler.py", 30, &["        time.sleep(DELAY)"]);
    let main = "<module> __main__ /app/crawler.py:1:50";
    let fetch = "fetch __main__ /app/crawler.py:24:30";
    let waits = builder.stack(&[main, fetch, "!time.sleep"]);
    for _ in 0..50 {
        builder.spend(ThreadId(0), waits, Flags::IDLE, 92);
        builder.busy(&[main, "parse __main__ /app/crawler.py:35:38"], 8);
    }
    builder.finish()
}

/// Four threads that compete for the GIL.
pub fn threaded() -> MemorySource {
    let mut builder = Builder::new("python threaded.py");
    let main = "<module> __main__ /app/threaded.py:1:40";
    let bootstrap = "Thread._bootstrap threading /usr/lib/python3.12/threading.py:1032:1032";
    let join =
        builder.stack(&[main, "Thread.join threading /usr/lib/python3.12/threading.py:1115:1149", "!lock.acquire"]);
    let work = builder.stack(&[bootstrap, "work __main__ /app/threaded.py:10:14"]);
    let threads: Vec<ThreadId> = (0..4).map(|at| builder.thread(&format!("worker-{at}"), false)).collect();
    for round in 0..400 {
        builder.spend(ThreadId(0), join, Flags::IDLE, 5);
        for (at, &thread) in threads.iter().enumerate() {
            let flags = if at == round % 4 { BUSY } else { Flags::GIL_WANTED };
            builder.spend(thread, work, flags, 5);
        }
    }
    builder.finish()
}
