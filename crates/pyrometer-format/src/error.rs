//! The one error of this crate.

use std::error::Error as StdError;
use std::{fmt, io};

/// What a result of this crate is.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of thing went wrong, for a caller that has to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a capture file at all, or so little of one that nothing can be known.
    NotACapture,
    /// The capture's format is newer than this pyrometer reads.
    NewerFormat,
    /// The bytes contradict the format: damaged, or made by a faulty writer.
    Damaged,
    /// Something is larger than the format allows.
    TooLarge,
    /// What is to be written contradicts itself: an id that is not in its table, a run without samples.
    Invalid,
    /// The disk, or the quota on it, is full.
    DiskFull,
    /// Reading or writing failed otherwise.
    Io(io::ErrorKind),
    /// The sample source that an exporter read from failed.
    Source,
    /// The target format cannot say this.
    Unrepresentable,
}

/// What went wrong and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of thing went wrong.
    pub kind: ErrorKind,
    /// With what, and where: for bytes that are read, with the offset in the file.
    pub context: String,
}

impl Error {
    /// An error of `kind` about `context`.
    #[must_use]
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into() }
    }

    /// What the system said when `action` (for example "writing a block of samples") was tried.
    #[must_use]
    pub fn io(action: &str, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::DiskFull,
            other => ErrorKind::Io(other),
        };
        Self { kind, context: format!("{action}: {error}") }
    }

    /// What an exporter says when its samples could not be read on.
    #[must_use]
    pub fn source(error: &(dyn StdError + 'static)) -> Self {
        Self { kind: ErrorKind::Source, context: error.to_string() }
    }

    /// What the user can do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self.kind {
            ErrorKind::NotACapture => "Captures are written by `pyrometer run -o FILE` and `pyrometer record -o FILE`.",
            ErrorKind::NewerFormat => "Read it with the pyrometer that wrote it, or update this one.",
            ErrorKind::Damaged => {
                "Copy the file again from where it was recorded; what is damaged there must be recorded again."
            }
            ErrorKind::DiskFull => "Free some space or write elsewhere; what was written before can still be read.",
            ErrorKind::TooLarge
            | ErrorKind::Invalid
            | ErrorKind::Io(_)
            | ErrorKind::Source
            | ErrorKind::Unrepresentable => return None,
        };
        Some(hint.to_owned())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::NotACapture => "not a pyrometer capture",
            ErrorKind::NewerFormat => "the capture's format is newer than this pyrometer",
            ErrorKind::Damaged => "the capture is damaged",
            ErrorKind::Invalid => "cannot be written",
            ErrorKind::TooLarge => "larger than the format allows",
            ErrorKind::DiskFull => "the disk is full",
            ErrorKind::Io(_) => "reading or writing failed",
            ErrorKind::Source => "the samples could not be read",
            ErrorKind::Unrepresentable => "the format cannot say this",
        };
        write!(formatter, "{what}: {}", self.context)
    }
}

impl StdError for Error {}
