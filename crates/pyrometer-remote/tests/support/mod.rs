//! Interpreters to test with, and a program whose stack is known.

#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "only for tests")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pyrometer_model::Position;
use pyrometer_remote::cpython::{Interpreter, Snapshot, ThreadSnapshot};

/// What [`STACK`] is doing when it has said `ready`, root first: qualified name (3.11+), bare name, line, columns.
pub const EXPECTED: [(&str, &str, u32, u32, u32); 6] = [
    ("<module>", "<module>", 20, 0, 6),
    ("main", "main", 18, 11, 31),
    ("key", "key", 15, 11, 33),
    ("Service.handle", "handle", 12, 15, 32),
    ("generator", "generator", 8, 10, 17),
    ("leaf", "leaf", 5, 4, 19),
];

/// A program that waits with a known stack.
pub const STACK: &str = include_str!("stack.py");

/// One interpreter of `scripts/interpreters`.
#[derive(Debug, Clone)]
pub struct Python {
    pub version: String,
    pub path: PathBuf,
    pub root: Option<PathBuf>,
}

/// All interpreters that `scripts/interpreters` finds.
pub fn interpreters() -> Vec<Python> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(root.join("scripts/interpreters")).output().expect("scripts/interpreters runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [version, path, root] = fields[..] else { panic!("scripts/interpreters: {line}") };
        let root = (root != "-").then(|| PathBuf::from(root));
        Python { version: version.to_string(), path: PathBuf::from(path), root }
    };
    text.lines().map(parse).collect()
}

/// A running program, killed when dropped.
pub struct Running {
    pub child: Child,
    script: PathBuf,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.script);
    }
}

impl Python {
    /// What it says of itself, for example `3.8.18` or `3.15.0rc1`.
    pub fn full_version(&self) -> String {
        let mut command = self.command();
        let output =
            command.args(["-c", "import platform; print(platform.python_version())"]).output().expect("it runs");
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_string()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(if self.root.is_some() { Path::new("chroot") } else { &self.path });
        if let Some(root) = &self.root {
            command.arg(root).arg(&self.path);
        }
        command
    }

    /// Starts `program` and waits until it prints a line.
    pub fn start(&self, program: &str) -> Running {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("tmp/pyrometer-remote-{}-{number}.py", std::process::id());
        let root = self.root.clone().unwrap_or_else(|| PathBuf::from("/"));
        let script = root.join(&name);
        std::fs::write(&script, program).expect("script is written");
        let mut command = self.command();
        command.arg(Path::new("/").join(&name)).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the interpreter starts");
        let stdout = child.stdout.take().expect("piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the program prints");
        assert!(!line.is_empty(), "{} ended", self.version);
        Running { child, script }
    }
}

/// A thread's stack as text: one frame a line, root first.
pub fn describe(interpreter: &Interpreter, snapshot: &Snapshot, thread: &ThreadSnapshot) -> Vec<String> {
    let describe = |frame| {
        let code = interpreter.code(frame).expect("a known key");
        code.qualified_name.clone()
    };
    let frames = snapshot.frames_of(thread).iter();
    let text = |position: Position| match position.column {
        Position::NO_COLUMN => position.line.to_string(),
        column => format!("{}:{}-{}", position.line, column, position.end_column),
    };
    frames.map(|frame| format!("{} {}", describe(frame.code), text(interpreter.resolve(*frame)))).collect()
}

/// What [`describe`] must give for [`STACK`].
pub fn expected(interpreter: &Interpreter) -> Vec<String> {
    let fine = interpreter.version().minor >= 11;
    let text = |&(qualified, name, line, from, to): &(&str, &str, u32, u32, u32)| {
        if fine { format!("{qualified} {line}:{from}-{to}") } else { format!("{name} {line}") }
    };
    EXPECTED.iter().map(text).collect()
}
