//! The nouns of pyrometer: what a recorder writes and what every view and format reads.
//!
//! A *capture* is a [`Dictionary`] (strings, code objects, locations, stacks, threads, processes, embedded source,
//! how it was measured and its [`Audit`]) plus a stream of [`SampleRun`]s, which a [`SampleSource`] yields in blocks so
//! that a capture of any length is read in bounded memory.
//!
//! This crate does no I/O and reads no clock. No recorder knows a format, no format knows a recorder: both know this.
#![forbid(unsafe_code)]

mod audit;
mod capture;
mod code;
mod dictionary;
mod ids;
mod process;
mod sample;
mod stack;
mod strings;
mod time;
mod view;

pub use audit::Audit;
pub use capture::{CaptureInfo, MemorySource, RecordingMode, SampleSource, SourceError};
pub use code::{Code, CodeKind, Location, Position};
pub use dictionary::{Dictionary, SourceLine};
pub use ids::{CodeId, LocationId, ProcessId, StackId, StringId, ThreadId};
pub use process::{ExitStatus, Process, PythonVersion, Thread};
pub use sample::{Flags, SampleRun};
pub use stack::{StackNode, StackTable};
pub use strings::StringTable;
pub use time::Nanoseconds;
pub use view::{Selection, View};
