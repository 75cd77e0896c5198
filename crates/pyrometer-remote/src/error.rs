//! The crate's one error.

use std::fmt;

use crate::memory::Fault;

/// What went wrong, and with what.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    context: String,
    hint: Option<&'static str>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The process is not there any more.
    Gone,
    /// The system refuses to let this process read the target's memory.
    Denied,
    /// Memory that should have been readable is not.
    Unreadable,
    /// No CPython was found in the process. It may not have been loaded yet.
    NotPython,
    /// CPython is there but is not initialised yet (or is finalised): attach again later.
    NotReady,
    /// CPython's version is not one of those that are supported.
    UnsupportedVersion,
    /// CPython's structures are not where this version has them: a debug build, a patched build, or a defect of pyrometer.
    LayoutMismatch,
    /// A file could not be read.
    File,
    /// A recording is damaged.
    BadRecording,
}

/// This crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind`; `context` says with what, without a final full stop.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), hint: None }
    }

    /// The same error with a hint that fits better than the one of its kind.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<&'static str>) -> Self {
        self.hint = hint;
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the user can do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        self.hint.or(match self.kind {
            ErrorKind::Denied => Some("reading another process needs the same user and ptrace permission, or root"),
            ErrorKind::NotReady => Some("the interpreter is starting or ending: try again"),
            ErrorKind::UnsupportedVersion => Some("CPython 3.8 to 3.15 are supported"),
            ErrorKind::LayoutMismatch => Some("debug builds (Py_DEBUG) before 3.13 cannot be read from outside"),
            _ => None,
        })
    }

    /// The same error, its context put behind `what`.
    #[must_use]
    pub fn within(mut self, what: &str) -> Self {
        self.context = format!("{what}: {}", self.context);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::Gone => "the process is gone",
            ErrorKind::Denied => "reading the process's memory is not permitted",
            ErrorKind::Unreadable => "memory cannot be read",
            ErrorKind::NotPython => "no CPython in the process",
            ErrorKind::NotReady => "CPython is not initialised",
            ErrorKind::UnsupportedVersion => "unsupported CPython version",
            ErrorKind::LayoutMismatch => "CPython's structures are not where they should be",
            ErrorKind::File => "a file cannot be read",
            ErrorKind::BadRecording => "a recording is damaged",
        };
        if self.context.is_empty() { f.write_str(what) } else { write!(f, "{what}: {}", self.context) }
    }
}

impl std::error::Error for Error {}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let kind = match fault {
            Fault::Gone => ErrorKind::Gone,
            Fault::Denied => ErrorKind::Denied,
            Fault::Unmapped { .. } => ErrorKind::Unreadable,
        };
        let context = if let Fault::Unmapped { address } = fault { format!("at {address:#x}") } else { String::new() };
        Self::new(kind, context)
    }
}
