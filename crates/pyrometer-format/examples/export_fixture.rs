//! Writes fixed captures in every export format, for tests that read them with other tools:
//! `cargo run -p pyrometer-format --example export_fixture DIRECTORY` writes `DIRECTORY/NAME.EXTENSION`.
//!
//! The captures: `typical` (a ticket service, two threads, idle time), `strange` (names that are hard to write),
//! `recursion` (10 000 frames), `empty`, `processes` (two processes, three threads), and `turns` (two functions that call
//! each other in turns).

use std::error::Error;
use std::fs::File;
use std::path::Path;

use pyrometer_format::export::{Format, Options, Orientation, Threads, Weights, export};
use pyrometer_model::{
    Audit, CaptureInfo, Code, CodeKind, Dictionary, Flags, Location, LocationId, MemorySource, Nanoseconds, Position,
    Process, ProcessId, PythonVersion, SampleRun, SampleSource, Selection, StackId, StackTable, Thread, ThreadId, View,
};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().nth(1).ok_or("usage: export_fixture DIRECTORY")?;
    let directory = Path::new(&directory);
    let captures = [
        ("typical", typical()),
        ("strange", strange()),
        ("recursion", recursion()),
        ("empty", empty()),
        ("processes", processes()),
        ("turns", turns()),
    ];
    for (name, mut capture) in captures {
        for format in Format::ALL {
            let path = directory.join(format!("{name}{}", format.extension()));
            write(&mut capture, format, &Options::default(), &path)?;
        }
        for (variant, format, options) in variants() {
            write(&mut capture, format, &options, &directory.join(format!("{name}.{variant}{}", format.extension())))?;
        }
    }
    Ok(())
}

fn write(capture: &mut MemorySource, format: Format, options: &Options, path: &Path) -> Result<(), Box<dyn Error>> {
    let dictionary = std::mem::take(&mut capture.dictionary);
    let mut out = File::create(path)?;
    let outcome = export(format, &dictionary, capture as &mut dyn SampleSource, options, &mut out);
    capture.dictionary = dictionary;
    Ok(outcome?)
}

/// Options other than the usual ones, with the name that their files get.
fn variants() -> Vec<(&'static str, Format, Options)> {
    let usual = Options::default;
    let lines = Options { lines: true, ..usual() };
    let apart = Options { threads: Threads::Apart, ..usual() };
    let cpu = Options { selection: Selection::of(View::Cpu), ..usual() };
    let busy = Options { selection: Selection { include_idle: false, ..Selection::default() }, ..usual() };
    let icicle = Options { orientation: Orientation::Icicle, title: "An icicle".to_owned(), ..lines.clone() };
    vec![
        ("micro", Format::Collapsed, Options { weights: Weights::Microseconds, ..usual() }),
        ("lines", Format::Collapsed, lines.clone()),
        ("apart", Format::Collapsed, apart.clone()),
        ("cpu", Format::Collapsed, cpu),
        ("busy", Format::Collapsed, busy),
        ("lines", Format::Speedscope, lines),
        ("together", Format::Speedscope, Options { threads: Threads::Together, ..usual() }),
        ("icicle", Format::Flamegraph, icicle),
        ("apart", Format::Flamegraph, apart),
    ]
}

/// A capture being made.
struct Maker {
    capture: MemorySource,
    thread: ThreadId,
    now: u64,
}

const MILLISECOND: u64 = 1_000_000;

impl Maker {
    fn new() -> Self {
        let mut dictionary = Dictionary::default();
        dictionary.info = CaptureInfo {
            pyrometer: "0.1.0".to_owned(),
            command: ["pyrometer", "run", "service.py"].map(str::to_owned).to_vec(),
            started: 1_700_000_000_123_456_789,
            machine: "Linux 6.1 x86_64, 2 processors".to_owned(),
            directory: "/srv/tickets".to_owned(),
            ..CaptureInfo::default()
        };
        dictionary.audit = Audit { interval_mean: Nanoseconds::from_millis(1), ..Audit::default() };
        Self { capture: MemorySource { dictionary, runs: Vec::new() }, thread: ThreadId(0), now: 0 }
    }

    fn process(&mut self, pid: u32, command: &str) -> ProcessId {
        let dictionary = &mut self.capture.dictionary;
        let command = dictionary.strings.intern(command);
        let python = Some(PythonVersion { major: 3, minor: 12, micro: 1 });
        dictionary.add_process(Process { pid, command, python, ..Process::default() })
    }

    /// Adds a thread; what is recorded from now on is recorded of it, from the capture's start.
    fn thread(&mut self, process: ProcessId, native_id: u64, name: &str, is_main: bool) {
        let dictionary = &mut self.capture.dictionary;
        let name = dictionary.strings.intern(name);
        self.thread = dictionary.add_thread(Thread { process, native_id, name, is_main, ..Thread::default() });
        self.now = 0;
    }

    fn at(&mut self, module: &str, name: &str, file: &str, first_line: u32, line: u32) -> LocationId {
        let dictionary = &mut self.capture.dictionary;
        let bare = name.rsplit('.').next().unwrap_or(name);
        let [module, qualified_name, name, file] =
            [module, name, bare, file].map(|text| dictionary.strings.intern(text));
        let kind = CodeKind::Python;
        let code = dictionary.intern_code(Code { kind, name, qualified_name, module, file, first_line });
        let position = Position { line, end_line: line, column: 4, end_column: 20 };
        dictionary.intern_location(Location { code, offset: i32::try_from(line).unwrap_or(0), position })
    }

    fn native(&mut self, module: &str, name: &str) -> LocationId {
        let dictionary = &mut self.capture.dictionary;
        let [module, name] = [module, name].map(|text| dictionary.strings.intern(text));
        let code = Code { kind: CodeKind::Native, name, qualified_name: name, module, ..Code::default() };
        let code = dictionary.intern_code(code);
        dictionary.intern_location(Location { code, offset: -1, position: Position::UNKNOWN })
    }

    fn stack(&mut self, root_first: &[LocationId]) -> StackId {
        self.capture.dictionary.stacks.intern_frames(root_first.iter().copied())
    }

    /// Records `milliseconds` samples of a millisecond each.
    fn run(&mut self, stack: StackId, milliseconds: u32, flags: Flags) {
        let wall = u64::from(milliseconds) * MILLISECOND;
        let cpu = if flags.contains(Flags::ON_CPU) { wall } else { 0 };
        self.capture.runs.push(SampleRun {
            thread: self.thread,
            stack,
            flags,
            start: Nanoseconds(self.now),
            count: milliseconds,
            wall: Nanoseconds(wall),
            cpu: Nanoseconds(cpu),
        });
        self.now += wall;
    }
}

const BUSY: Flags = Flags(Flags::ON_CPU.0 | Flags::GIL_HELD.0);

/// 1000 ms of the main thread: 600 in `re.compile` under `redact`, 200 in `tokenize`, 100 in `format_reply`, 100 idle,
/// with a gap of 50 ms; and a second thread that waits for 500 ms.
fn typical() -> MemorySource {
    let mut maker = Maker::new();
    let process = maker.process(4242, "python service.py --port 8000");
    maker.thread(process, 4242, "MainThread", true);
    let file = "/srv/tickets/service.py";
    let library = "/usr/lib/python3.12/re/__init__.py";
    let main = maker.at("__main__", "<module>", file, 1, 90);
    let serve = maker.at("__main__", "serve", file, 70, 75);
    let wait = maker.at("__main__", "serve", file, 70, 72);
    let tokenize = maker.at("__main__", "Tokenizer.tokenize", file, 10, 14);
    let redact = maker.at("__main__", "AuditLogger.redact", file, 30, 33);
    let reply = maker.at("__main__", "format_reply", file, 50, 55);
    let compile = maker.at("re", "compile", library, 226, 228);
    let inner = maker.at("re", "_compile", library, 280, 294);
    let package = maker.at("requests.api", "get", "/srv/venv/lib/python3.12/site-packages/requests/api.py", 60, 73);
    let sleep = maker.native("select", "epoll.poll");
    let dumps = maker.native("json", "dumps");
    let stacks = [
        (vec![main, serve, redact, compile, inner], 60, BUSY),
        (vec![main, serve, tokenize], 20, BUSY),
        (vec![main, serve, reply, dumps], 7, BUSY),
        (vec![main, serve, reply, package], 3, BUSY),
        (vec![main, wait, sleep], 10, Flags::IDLE),
    ];
    for round in 0..10 {
        if round == 5 {
            maker.now += 50 * MILLISECOND;
        }
        for (frames, milliseconds, flags) in &stacks {
            let stack = maker.stack(frames);
            maker.run(stack, *milliseconds, *flags);
        }
    }
    maker.thread(process, 4243, "Worker-1", false);
    let bootstrap = maker.at("threading", "Thread._bootstrap", "/usr/lib/python3.12/threading.py", 1020, 1032);
    let acquire = maker.native("_thread", "lock.acquire");
    let stack = maker.stack(&[bootstrap, acquire]);
    maker.run(stack, 500, Flags::IDLE);
    let file = maker.capture.dictionary.strings.intern(file);
    maker.capture.dictionary.add_source_line(file, 33, "        pattern = re.compile(\"|\".join(self.words))");
    maker.capture
}

/// Names that are hard to write: each is a frame of its own stack.
const STRANGE: [&str; 14] = [
    "<lambda>",
    "<script>alert('x')</script>",
    "]]>",
    "a;b",
    "line\nbreak\r\n",
    "tab\tand \"quotes\" and 'single' and \\backslash",
    "naïve_größe",
    "函数名字很长很长很长",
    "🐍🔥",
    "\u{fffd}surrogate",
    "nul\u{0}and\u{1b}[31mescape",
    "\u{2028}separator",
    "ends with number 42",
    "",
];

fn strange() -> MemorySource {
    let mut maker = Maker::new();
    let process = maker.process(7, "python \"we;ird\" <&> \n.py");
    maker.thread(process, 7, "Thread;\"<1>\"\n", true);
    let main = maker.at("__main__", "<module>", "/srv/tickets/we;ird \"<dir>\"\n/ünïcode.py", 1, 2);
    for (line, name) in (10..).zip(STRANGE) {
        let frame = maker.at("__main__", name, "/srv/tickets/we;ird \"<dir>\"\n/ünïcode.py", line, line + 1);
        let stack = maker.stack(&[main, frame]);
        maker.run(stack, 10, BUSY);
    }
    maker.run(StackTable::EMPTY, 5, BUSY);
    let unknown = maker.capture.dictionary.intern_marker(Code::UNKNOWN);
    let stack = maker.stack(&[main, unknown]);
    maker.run(stack, 5, BUSY | Flags::PARTIAL);
    maker.capture
}

/// A recursion 10 000 frames deep, met at depths 2 500, 5 000, 7 500 and 10 000, with a leaf at the deepest.
fn recursion() -> MemorySource {
    let mut maker = Maker::new();
    let process = maker.process(9, "python deep.py");
    maker.thread(process, 9, "MainThread", true);
    let main = maker.at("__main__", "<module>", "/srv/tickets/deep.py", 1, 20);
    let call = maker.at("__main__", "dive", "/srv/tickets/deep.py", 3, 5);
    let leaf = maker.native("math", "sqrt");
    let mut stack = maker.stack(&[main]);
    for depth in 1..=10_000 {
        stack = maker.capture.dictionary.intern_stack(stack, call);
        if depth % 2_500 == 0 {
            maker.run(stack, 25, BUSY);
        }
    }
    let stack = maker.capture.dictionary.intern_stack(stack, leaf);
    maker.run(stack, 100, BUSY);
    maker.capture
}

fn empty() -> MemorySource {
    let mut maker = Maker::new();
    let process = maker.process(11, "python nothing.py");
    maker.thread(process, 11, "MainThread", true);
    maker.capture
}

/// `left` calls `right` for 10 ms, then `right` calls `left`, ten times over: a span of a name ends where one of that name
/// begins elsewhere.
fn turns() -> MemorySource {
    let mut maker = Maker::new();
    let process = maker.process(12, "python turns.py");
    maker.thread(process, 12, "MainThread", true);
    let main = maker.at("__main__", "<module>", "/srv/tickets/turns.py", 1, 9);
    let left = maker.at("__main__", "left", "/srv/tickets/turns.py", 3, 4);
    let right = maker.at("__main__", "right", "/srv/tickets/turns.py", 6, 7);
    for _ in 0..10 {
        for frames in [[main, left, right], [main, right, left]] {
            let stack = maker.stack(&frames);
            maker.run(stack, 10, BUSY);
        }
    }
    maker.capture
}

/// A parent with two threads and a child that runs the same code.
fn processes() -> MemorySource {
    let mut maker = Maker::new();
    let parent = maker.process(100, "python pool.py");
    let child = maker.process(101, "python pool.py --worker");
    let main = maker.at("__main__", "<module>", "/srv/tickets/pool.py", 1, 30);
    let work = maker.at("pool", "work", "/srv/tickets/pool.py", 5, 8);
    let other = maker.at("pool", "work", "/srv/tickets/pool.py", 5, 9);
    for (process, native_id, milliseconds) in [(parent, 100, 30), (parent, 102, 20), (child, 101, 50)] {
        maker.thread(process, native_id, &format!("thread-{native_id}"), native_id != 102);
        let stack = maker.stack(&[main, work]);
        maker.run(stack, milliseconds, BUSY);
        let stack = maker.stack(&[main, other]);
        maker.run(stack, milliseconds, BUSY);
    }
    maker.capture
}
