//! Processes and threads.

use std::fmt;

use crate::{Nanoseconds, ProcessId, StringId};

/// A CPython version, as `sys.version_info` gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PythonVersion {
    /// 3.
    pub major: u8,
    /// 8 to 15.
    pub minor: u8,
    /// The patch release.
    pub micro: u8,
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.micro)
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ExitStatus {
    /// It still ran when the capture ended, or how it ended is not known.
    #[default]
    Unknown,
    /// It ended with this exit code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

/// A process of the capture.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Process {
    /// The kernel's process id, as seen by pyrometer.
    pub pid: u32,
    /// The capture's process that started it, where there is one.
    pub parent: Option<ProcessId>,
    /// Its command line, arguments joined by spaces.
    pub command: StringId,
    /// Which Python it ran; none where it never ran one (or ended before that could be read).
    pub python: Option<PythonVersion>,
    /// When it started, or was first seen.
    pub start: Nanoseconds,
    /// When it ended; none where it was still running.
    pub end: Option<Nanoseconds>,
    /// How it ended.
    pub exit: ExitStatus,
}

/// A thread of a process.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Thread {
    /// The process.
    pub process: ProcessId,
    /// The kernel's thread id; 0 where it is not known.
    pub native_id: u64,
    /// `threading.get_ident()`; 0 where it is not known.
    pub python_id: u64,
    /// Python's name of the thread, or the kernel's where Python has none.
    pub name: StringId,
    /// Which interpreter it runs: 0 is the main one.
    pub interpreter: u32,
    /// Whether it is its process's main thread.
    pub is_main: bool,
    /// When it was first seen.
    pub start: Nanoseconds,
    /// When it was last seen.
    pub end: Nanoseconds,
}
